"""The bundle as it is deployed: what is in it, and that it serves with nothing else of the project on the machine."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from infra.bundle import __main__ as builder
from infra.bundle.bytecode import version_of
from infra.bundle.sources import PACKAGES
from infra.bundle.target import Target
from infra.bundle.wheels import InstallError, install
from infra.gateway import Function, Gateway, Moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    BuiltBundle = Any

REST_EVENT = {
    "resource": "/{proxy+}",
    "path": "/healthz",
    "httpMethod": "GET",
    "headers": {"Host": "localhost"},
    "multiValueHeaders": {"Host": ["localhost"]},
    "queryStringParameters": None,
    "multiValueQueryStringParameters": None,
    "requestContext": {"identity": {"sourceIp": "127.0.0.1"}, "stage": "prod"},
    "body": None,
    "isBase64Encoded": False,
}


def test_the_bundle_holds_what_runs_and_no_tools(bundle: BuiltBundle) -> None:
    for there in (
        "handlers/proxy.py",
        "handlers/admin/entry.py",
        "infra/runtime/loop.py",
        "infra/bootstrap.sh",
        "starlette/__init__.py",
        "jwt/__init__.py",
    ):
        assert (bundle.path / there).is_file()
    for absent in (
        "tests",
        "benchmarks",
        "docs",
        "infra/gateway",
        "infra/bundle",
        "handlers/cli.py",
        "handlers/commands",
        "handlers/local.py",
        "openai",
        "boto3",
        "click",
        "rich",
    ):
        assert not (bundle.path / absent).exists()
    suffixes = {path.suffix for path in bundle.path.rglob("*") if path.is_file()}
    assert not suffixes & {".pyi", ".pyx", ".toml", ".lock"}
    assert (bundle.path / "infra" / "bootstrap.sh").stat().st_mode & 0o111 == 0o111


def test_what_our_modules_import_is_in_the_bundle_or_in_pythons_library(bundle: BuiltBundle) -> None:
    """Wherever in a module: an import that only one kind of request needs fails long after the start."""
    there = {path.stem for path in bundle.path.iterdir() if path.is_dir() or path.suffix in (".py", ".so")}
    ours = [path for package in PACKAGES for path in (bundle.path / package).rglob("*.py")]
    wanted = {(name, path.relative_to(bundle.path)) for path in ours for name in imported(ast.parse(path.read_text()))}
    assert [(name, path) for name, path in sorted(wanted) if name not in there | sys.stdlib_module_names] == []


def imported(tree: ast.AST) -> Iterator[str]:
    """The top-level names, but for those that only a type checker reads."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                continue
            case ast.Import():
                yield from (alias.name.partition(".")[0] for alias in node.names)
            case ast.ImportFrom(module=str(module)):
                yield module.partition(".")[0]
        yield from imported(node)


def test_every_module_has_byte_code_of_the_targets_python_without_a_source_check(bundle: BuiltBundle) -> None:
    modules = [path for path in bundle.path.rglob("*.py") if "__pycache__" not in path.parts]
    tag = f"cpython-{bundle.python.replace('.', '')}"
    compiled = [path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc" for path in modules]
    assert [path for path in compiled if not path.is_file()] == []
    # PEP 552: bit 0 says that the key is a hash of the source, bit 1 that it is to be checked.
    assert {int.from_bytes(path.read_bytes()[4:8], "little") for path in compiled} == {0b01}
    assert (
        b"/var/task/handlers/proxy.py" in (bundle.path / "handlers" / "__pycache__" / f"proxy.{tag}.pyc").read_bytes()
    )


def test_the_builder_reports_the_size_and_the_byte_code(bundle: BuiltBundle) -> None:
    assert "MB unpacked" in bundle.report
    assert f"modules for Python {bundle.python}" in bundle.report
    facts = json.loads((bundle.path / "bundle.json").read_text())
    assert (facts["python"], facts["bytecode"]) == (bundle.python, True)


async def test_the_bundle_answers_behind_the_gateway(bundle: BuiltBundle) -> None:
    function = Function(bundle.path, bundle.interpreter)
    async with Gateway(function) as gateway, aiohttp.ClientSession() as client:
        async with client.get(f"{gateway.url}/healthz") as response:
            assert response.status == 200
            assert response.content_type == "application/json"
        assert not gateway.journal.of(Moment.INIT_FAILED)


def test_with_the_wrapper_off_the_same_bundle_is_a_plain_mangum_function(bundle: BuiltBundle) -> None:
    """AWS's own runtime imports the module and calls the handler with an event, which is what happens here."""
    program = (
        "import json, sys; sys.path.insert(0, sys.argv[1])\n"
        "from handlers.proxy import handler\n"
        "event = json.loads(sys.stdin.read())\n"
        "print(json.dumps([handler(event, None), handler(event, None)]))\n"
    )
    command = [bundle.interpreter, "-I", "-c", program, str(bundle.path)]
    done = subprocess.run(command, input=json.dumps(REST_EVENT), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    first, second = json.loads(done.stdout.splitlines()[-1])
    assert first["statusCode"] == second["statusCode"] == 200
    assert first["isBase64Encoded"] is False
    assert json.loads(first["body"])


def test_the_pruned_wheels_still_seal_and_open(bundle: BuiltBundle) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from cryptography.hazmat.primitives.ciphers.aead import AESGCM\n"
        "box = AESGCM(bytes(32)); sealed = box.encrypt(bytes(12), b'text', b'aad')\n"
        "assert box.decrypt(bytes(12), sealed, b'aad') == b'text'\n"
        "import ssl, aiohttp; ssl.create_default_context(); print(aiohttp.__file__)\n"
    )
    command = [bundle.interpreter, "-I", "-c", program, str(bundle.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(bundle.path)


@pytest.mark.parametrize("arch", ["arm64", "x86_64"])
def test_wheels_for_a_processor_that_is_not_here_are_installed_too(arch: str, tmp_path: Path) -> None:
    install(builder.ROOT / "requirements.lock", tmp_path, Target("3.13", arch))
    wanted = {"arm64": "aarch64", "x86_64": "x86_64"}[arch]
    compiled = [path.name for path in tmp_path.rglob("*.so") if "cpython" in path.name]
    assert compiled
    assert all(f"cpython-313-{wanted}" in name for name in compiled)


def test_pip_does_where_uv_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    lock = tmp_path / "one.lock"
    locked = (builder.ROOT / "requirements.lock").read_text().split("\n")
    start = next(at for at, line in enumerate(locked) if line.startswith("multidict=="))
    length = next(at for at, line in enumerate(locked[start:]) if not line.endswith("\\"))
    lock.write_text("\n".join(locked[start : start + length + 1]) + "\n")
    # An interpreter in a folder without uv: pip is then what is left.
    program = (
        "import sys; from pathlib import Path\n"
        "from infra.bundle.target import Target; from infra.bundle.wheels import install\n"
        "sys.executable = sys.argv[3]\n"
        "print(install(Path(sys.argv[1]), Path(sys.argv[2]), Target('3.13', 'arm64')))\n"
    )
    link = tmp_path / "bin" / "python"
    link.parent.mkdir()
    link.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    link.chmod(0o755)
    command = [sys.executable, "-c", program, str(lock), str(tmp_path / "out"), str(link)]
    done = subprocess.run(command, cwd=builder.ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "pip", done.stderr
    assert (tmp_path / "out" / "multidict").is_dir()


def test_a_lock_that_cannot_be_installed_is_said_in_the_installers_words(tmp_path: Path) -> None:
    lock = tmp_path / "bad.lock"
    lock.write_text("starlette==1.0.0 --hash=sha256:" + "0" * 64 + "\n")
    with pytest.raises(InstallError, match=r"could not install bad\.lock"):
        install(lock, tmp_path / "out", Target("3.13", "arm64"))


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "precious").write_text("x")
    assert builder.main(["--out", str(tmp_path)]) == 1
    assert "holds no bundle" in capsys.readouterr().err
    assert (tmp_path / "precious").is_file()


def test_an_interpreter_that_does_not_run_has_no_version(tmp_path: Path) -> None:
    shim = tmp_path / "python3.13"
    shim.write_text("#!/bin/sh\necho 'not switched on' >&2\nexit 127\n")
    shim.chmod(0o755)
    assert version_of(str(shim)) is None
    assert version_of(str(tmp_path / "absent")) is None
