"""``python -m infra.runtime``: what ``infra/bootstrap.sh`` starts in place of AWS's own runtime."""

from infra.runtime.loop import main

if __name__ == "__main__":
    main()
