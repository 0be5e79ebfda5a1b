"""SAM's own commands on a copy of what they need: is the template valid, and does `sam build` make the bundle?"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from samtranslator.yaml_helper import yaml_parse

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SAM = Path(sys.executable).parent / "sam"
NEEDED = ("Makefile", "requirements.lock", "samconfig.toml", "template.yaml")
PACKAGES = ("handlers", "providers", "cache", "infra")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in NEEDED:
        shutil.copy(ROOT / name, tmp_path)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def sam(checkout: Path, *arguments: str, **env: str) -> str:
    """No credentials, and none are looked for: neither command talks to AWS."""
    if not SAM.is_file():
        pytest.skip("SAM CLI is not installed here")
    own = {
        **os.environ,
        "PATH": f"{SAM.parent}{os.pathsep}{os.environ['PATH']}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0",
        **env,
    }
    done = subprocess.run([str(SAM), *arguments], cwd=checkout, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_template_passes_sam_validate_with_lint(checkout: Path) -> None:
    assert "is a valid SAM Template" in sam(checkout, "validate", "--lint")


def test_the_nested_template_passes_the_linter_too() -> None:
    """SAM CLI lints the outer one alone."""
    linter = SAM.with_name("cfn-lint")
    if not linter.is_file():
        pytest.skip("SAM CLI is not installed here")
    done = subprocess.run(
        [str(linter), "infra/observability.yaml"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("arch", ["arm64", "x86_64"])
def test_sam_build_makes_the_bundle_for_the_chosen_processor(checkout: Path, arch: str) -> None:
    said = sam(checkout, "build", "--parameter-overrides", f"Architecture={arch}", ARCH=arch)
    assert "MB zipped" in said
    assert f"for Python 3.13 on {arch}" in said
    template = (checkout / ".aws-sam" / "build" / "template.yaml").read_text()
    for function, entry in (("ProxyFunction", "handlers/proxy.py"), ("AdminFunction", "handlers/admin/entry.py")):
        built = checkout / ".aws-sam" / "build" / function
        assert (built / entry).is_file()
        assert (built / "infra" / "bootstrap.sh").stat().st_mode & 0o111 == 0o111
        assert not (built / "infra" / "gateway").exists()
        assert list(built.glob("infra/*.yaml")) == []
        wanted = {"arm64": "aarch64", "x86_64": "x86_64"}[arch]
        assert {path.name.split("-")[2] for path in built.rglob("*.cpython-*.so")} == {wanted}
        assert f"CodeUri: {function}" in template
    assert "TemplateURL: Observability/template.yaml" in template
    nested = (checkout / ".aws-sam" / "build" / "Observability" / "template.yaml").read_text()
    assert yaml_parse(nested) == yaml_parse((ROOT / "infra" / "observability.yaml").read_text())
    # CloudFormation knows no aliases; SAM writes out what they stand for.
    assert not re.search(r"(^|[ \[])[&*][A-Za-z]", nested, re.MULTILINE)
