"""Tools of a user's own: typed Python functions, by the module that holds them. Read `named` first."""

import inspect
import os
import sys
from importlib import import_module
from types import ModuleType

from pydantic import PydanticUserError

from duologue.agent.tools import Tool, tool
from duologue.errors import ConfigError


def named(where: str) -> list[Tool]:
    """`module:function`, or `module` for every public function defined in it, as tools that ask before each call.

    A module may hold a finished `Tool` instead, made with a permission of its own. Raises ConfigError.
    """
    name, colon, wanted = where.partition(":")
    module = _imported(where, name)
    if not colon:
        found = list(_public(module).values())
    else:
        found = [value] if callable(value := getattr(module, wanted, None)) or isinstance(value, Tool) else []
    if not found:
        there = ", ".join(_public(module)) or "none"
        raise ConfigError(f"--tools {where}: there is no such function; those of {name} are: {there}")
    return [value if isinstance(value, Tool) else _tool(where, value) for value in found]


def _imported(where: str, name: str) -> ModuleType:
    """A module of this folder, like `python -m` finds it, or an installed one."""
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ConfigError(f"--tools {where}: no module {error.name!r} in {os.getcwd()} or installed; write it as `house:light`") from error
    except (Exception, SystemExit) as error:  # the edge of somebody else's code
        raise ConfigError(f"--tools {where}: importing {name!r} failed: {type(error).__name__}: {error}") from error


def _public(module: ModuleType) -> dict[str, object]:
    """Functions that it defines, and tools."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (isinstance(value, Tool) or (inspect.isfunction(value) and value.__module__ == module.__name__))
    }


def _tool(where: str, function) -> Tool:
    """Raises ConfigError where a model could not be told what to give."""
    name = getattr(function, "__name__", where)
    try:
        bare = [p.name for p in inspect.signature(function).parameters.values() if p.annotation is p.empty]
        if bare:
            raise ConfigError(f"--tools {where}: {name} has no type for {', '.join(bare)}; write one, such as `{bare[0]}: str`")
        made = tool(function)
    except (PydanticUserError, NameError, TypeError) as error:
        raise ConfigError(f"--tools {where}: the types of {name} cannot be used: {str(error).splitlines()[0]}") from error
    if made.schema.get("type") != "object":
        raise ConfigError(f"--tools {where}: {name} takes arguments by place alone; a model gives them by name")
    return made
