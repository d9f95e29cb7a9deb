"""What is shipped: the wheel, installed in a clean environment outside the checkout, lacks nothing."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = {".avsc", ".json", ".yaml", ".lua", ".sql", ".typed", ".tcss"}

PROBE = """
import importlib, pkgutil, sys
import connectors, consumers, schemas
for package in (schemas, connectors, consumers):
    assert "site-packages" in package.__file__, package.__file__
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
from connectors.discovery import load_connectors
from connectors.catalog import Catalog
assert Catalog(load_connectors(["sandbox-erp", "sandbox-crm"])).lint() == []
from schemas.registry.files import packaged_schemas
assert len(list(packaged_schemas())) >= 6
from consumers.offline.script_file import DEMO, load
load(DEMO)
print("complete")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(out),
        str(ROOT),
    ]
    subprocess.run(command, check=True, timeout=110)
    (built,) = out.glob("pointsman-*.whl")
    return built


def test_the_wheel_holds_every_source_and_data_file(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        str(path.relative_to(ROOT))
        for top in ("consumers", "connectors", "schemas")
        for path in (ROOT / top).rglob("*")
        if path.suffix in DATA | {".py"}
    }
    assert wanted - held == set()


def test_the_installed_wheel_runs_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    env = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(env)], check=True, timeout=60)
    python = env / "bin" / "python"
    site = subprocess.run(
        [python, "-c", "import site; print(site.getsitepackages()[0])"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout.strip()
    # Dependencies come from this environment, the distribution itself only from the wheel.
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", site, str(wheel)]
    subprocess.run(install, check=True, timeout=60)
    ours = next(p for p in sys.path if p.endswith("site-packages"))
    (Path(site) / "dependencies.pth").write_text(ours + "\n")
    (Path(site) / "zz_no_checkout.pth").write_text(
        f"import sys; sys.path[:] = [p for p in sys.path if p != {str(ROOT)!r}]\n"
    )
    done = subprocess.run(
        [python, "-c", PROBE], cwd=tmp_path, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.stdout.strip() == "complete", done.stderr
    script = "import sys; from consumers.cli.main import main; sys.argv = ['pointsman', '--help']; main()"
    done = subprocess.run(
        [python, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "demo" in done.stdout
