"""The suite's own runner, started under the Python of Debian 12 too.

It asks of an enumeration whether a string is one of its values, which Python before 3.12 refuses to answer.
"""

import enum
import runpy
import sys

if sys.version_info < (3, 12):
    by_member = enum.EnumMeta.__contains__

    def contains(cls, value):
        return by_member(cls, value) if isinstance(value, enum.Enum) else value in cls._value2member_map_

    enum.EnumMeta.__contains__ = contains

sys.argv = sys.argv[1:]
sys.path.insert(0, sys.argv[0].rpartition("/")[0])
runpy.run_path(sys.argv[0], run_name="__main__")
