"""What cmake --install gives, after its prefix was moved and without the environment it was built in."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from support import QUICK

PLUGIN = """#include <resbench/engine.h>
const rb_engine *rb_engine_get(void) { return 0; }
"""
PROJECT = """cmake_minimum_required(VERSION 3.22)
project(plugin LANGUAGES C)
find_package(resbench 0 REQUIRED)
resbench_add_plugin(mine mine.c)
file(WRITE ${PROJECT_BINARY_DIR}/places "${resbench_PROGRAM};${resbench_PLUGIN_DIR}")
"""


def succeed(*command, **options) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=600, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("install")
    succeed("cmake", "--install", os.environ["RESBENCH_BUILD"], "--prefix", directory / "first")
    return (directory / "first").rename(directory / "moved")


@pytest.fixture
def bare(tmp_path) -> dict:
    return {
        "env": {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "RESBENCH_CACHE": str(tmp_path / "cache")},
        "cwd": tmp_path,
    }


def test_the_moved_program_runs_and_plots(prefix, bare):
    program = prefix / "bin" / "resbench"
    engines = succeed(program, "list", **bare).split("engines:")[1]
    assert [line.split()[0] for line in engines.strip().splitlines()] == ["onednn", "oracle", "reference"]
    assert "resnet8" in succeed(program, "describe", "resnet8", **bare)
    succeed(program, "run", *QUICK, "-d", "8", "-e", "reference,onednn", "-o", "r", **bare)
    # From the prefix: what is drawn is decided by a script that is nowhere else.
    script = prefix / "share" / "resbench" / "plots" / "plot.py"
    whole = script.read_text()
    script.write_text("print('installed')\n")
    assert succeed(program, "plot", "r/results.json", **bare) == "installed\n"
    script.write_text(whole)
    assert "latency.png" in succeed(program, "plot", "r/results.json", **bare)


def test_nothing_is_looked_for_where_it_was_built(prefix):
    for path in [prefix / "bin" / "resbench", *prefix.glob("lib*/**/resbench/*.so")]:
        found = [line for line in succeed("readelf", "-d", path).splitlines() if "PATH)" in line]
        assert found and all("[$ORIGIN/" in line and ":" not in line.split("[")[1] for line in found)


def test_plugin_by_find_package(prefix, tmp_path):
    (tmp_path / "mine.c").write_text(PLUGIN)
    (tmp_path / "CMakeLists.txt").write_text(PROJECT)
    succeed("cmake", "-S", tmp_path, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
    succeed("cmake", "--build", tmp_path / "build")
    assert (tmp_path / "build" / "mine.so").exists()
    program, plugins = (tmp_path / "build" / "places").read_text().split(";")
    assert Path(program).samefile(prefix / "bin" / "resbench") and (Path(plugins) / "onednn.so").exists()


@pytest.mark.skipif(not shutil.which("pkg-config"), reason="no pkg-config")
def test_plugin_by_pkg_config(prefix, tmp_path):
    (tmp_path / "mine.c").write_text(PLUGIN)
    [file] = prefix.glob("lib*/**/pkgconfig")
    environment = {**os.environ, "PKG_CONFIG_PATH": str(file)}
    flags = shlex.split(succeed("pkg-config", "--cflags", "resbench", env=environment))
    succeed("cc", "-shared", "-fPIC", *flags, "-o", tmp_path / "mine.so", tmp_path / "mine.c")
    (plugins,) = shlex.split(succeed("pkg-config", "--variable=plugindir", "resbench", env=environment))
    assert (Path(plugins) / "onednn.so").exists()


def test_packed_weights_are_found_and_damaged_ones_are_refused(prefix, bare):
    program = prefix / "bin" / "resbench"
    packed = prefix / "share" / "resbench" / "weights"
    packed.mkdir()
    succeed(program, "synth-input", "--batch", "1", "--size", "32x32", "-o", "x.h5", **bare)
    infer = (program, "infer", "resnet8", "--input", "x.h5", "-o", "y.h5")
    succeed(*infer, **bare)
    [made] = (bare["cwd"] / "cache").iterdir()
    whole = made.read_bytes()
    made.rename(packed / made.name)
    succeed(*infer, **bare)
    assert not made.exists()
    # One bit of the last of the values; then not even a file of HDF5.
    for damaged in (whole[:-1] + bytes([whole[-1] ^ 1]), b"none"):
        (packed / made.name).write_bytes(damaged)
        done = subprocess.run([*map(str, infer)], capture_output=True, text=True, timeout=600, **bare)
        assert done.returncode == 3 and not made.exists(), done
        assert str(packed / made.name) in done.stderr and "unpack it anew" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    (packed / made.name).unlink()
    packed.rmdir()


def test_another_libdir_under_a_destdir(bare):
    """Configured anew: the program is told where engines are when it is built."""
    libdir = "lib/x86_64-linux-gnu"
    source = Path(__file__).parent.parent.parent
    build = bare["cwd"] / "build"
    cache = (Path(os.environ["RESBENCH_BUILD"]) / "CMakeCache.txt").read_text()
    kept = ("CMAKE_BUILD_TYPE:", "CMAKE_C_COMPILER:", "CMAKE_CXX_COMPILER:", "dnnl_DIR:", "benchmark_DIR:")
    options = [f"-D{line}" for line in cache.splitlines() if line.startswith(kept)]
    succeed(
        *("cmake", "-S", source, "-B", build, "-G", "Ninja", *options, "-DBUILD_TESTING=OFF"),
        *("-DCMAKE_INSTALL_PREFIX=/opt/resbench", f"-DCMAKE_INSTALL_LIBDIR={libdir}"),
    )
    succeed("cmake", "--build", build, "-j", "2")
    environment = {**bare["env"], "DESTDIR": str(bare["cwd"] / "stage")}
    succeed("cmake", "--install", build, env=environment)
    prefix = bare["cwd"] / "stage" / "opt" / "resbench"
    shutil.rmtree(build)
    assert (prefix / libdir / "resbench" / "onednn.so").exists()
    listed = succeed(prefix / "bin" / "resbench", "list", **bare).split("engines:")[1]
    assert [line.split()[0] for line in listed.strip().splitlines()] == ["onednn", "oracle", "reference"]
