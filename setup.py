"""The packages' places and the parser's C extension; all else about the build is in pyproject.toml."""

from setuptools import Extension, find_packages, setup
from setuptools.command.bdist_wheel import bdist_wheel


class StableAbiWheel(bdist_wheel):
    """One wheel for every Python from 3.11 on."""

    def get_tag(self) -> tuple[str, str, str]:
        python, abi, platform = super().get_tag()
        return ("cp311", "abi3", platform) if python.startswith("cp") else (python, abi, platform)


setup(
    packages=[*find_packages(include=["quivers*"]), "quivers.grammar", *find_packages("server")],
    package_dir={"quivers.grammar": "grammar", "qvr_server": "server/qvr_server"},
    ext_modules=[
        Extension(
            "quivers.syntax._parser",
            sources=["grammar/bindings/python/binding.c", "grammar/src/parser.c", "grammar/src/scanner.c"],
            include_dirs=["grammar/src"],
            define_macros=[("Py_LIMITED_API", "0x030B0000")],
            extra_compile_args=["-std=c11"],
            py_limited_api=True,
        )
    ],
    cmdclass={"bdist_wheel": StableAbiWheel},
)
