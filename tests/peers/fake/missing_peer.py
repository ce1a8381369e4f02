"""A peer whose framework nobody has."""

PACKAGES = ("resbench_no_such_package",)
ABOUT = "never there"
SETTINGS = {"only": "none"}


def open(case, settings):
    raise AssertionError("opened without its package")
