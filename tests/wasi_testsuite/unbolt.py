"""How the runner of WebAssembly/wasi-testsuite starts a test with Unbolt: what its doc/adapters.md asks for."""

import os
import subprocess

UNBOLT = os.environ.get("UNBOLT", "unbolt")


def get_name():
    return "unbolt"


def get_version():
    answer = subprocess.run([UNBOLT, "--version"], encoding="utf-8", capture_output=True, check=True)
    return answer.stdout.split()[1]


def get_wasi_versions():
    # Preview1 modules become components of 0.2 when they are loaded. What needs 0.3 is skipped by the runner.
    return ["wasm32-wasip1", "wasm32-wasip2"]


def get_wasi_worlds():
    return ["wasi:cli/command"]


def get_timeout_seconds():
    # The first run compiles.
    return 30.0


def compute_argv(test_path, args_env_root, _proposals, _world, _version):
    args, env, root = args_env_root
    argv = [UNBOLT, "run", test_path]
    for name, value in env.items():
        argv += ["--env", f"{name}={value}"]
    if root:
        argv += ["--dir", f"{root}::/"]
    return [*argv, "--", *args]
