"""What Sabir costs: beside a direct call and beside a bare Starlette route, in one run. Start with README.md."""
