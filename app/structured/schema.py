"""JSON schemas as grammars: every text of the grammar is valid against the schema.

Supported, of the drafts 4 to 2020-12: ``type``, ``enum``, ``const``, ``allOf``, ``anyOf``, ``oneOf`` (where no value
satisfies two of its schemas), ``$ref`` within the document, also recursive; ``properties``, ``required``,
``additionalProperties``, ``patternProperties``, ``propertyNames``, ``minProperties``, ``maxProperties``,
``dependentRequired``, ``dependentSchemas``, ``dependencies``; ``items``, ``prefixItems``, ``additionalItems``,
``minItems``, ``maxItems``, ``uniqueItems`` (of listed values); ``minLength``, ``maxLength``, ``pattern``, ``format``
(of ``FORMATS``, else a remark as the standard says); ``minimum``, ``maximum``, ``exclusiveMinimum``,
``exclusiveMaximum``, ``multipleOf`` (whole numbers).

Everything else that restricts values is refused by its name, unknown keywords restrict nothing.  A schema without a
type stands for the types that its keywords are about.  Objects have their properties in the order of the schema.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

from app.structured.expressions import Expression, Expressions, TooLargeError, complement
from app.structured.grammar import Grammar, Symbols, in_string, json_literal, plain
from app.structured.numbers import Bounds
from app.structured.pattern import PatternError, parse_pattern
from model_manager.errors import UserError

JSON_OBJECT = '{"type": "object"}'
"""Any JSON object."""
MAX_SCHEMA_BYTES = 256 << 10
MAX_DEPTH = 100
MAX_ALTERNATIVES = 200
"""Combinations of the alternatives of a value's schemas."""
MAX_PATTERNS = 6
"""Patterns of the keys of an object, all combinations of which have a schema."""

_TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
_DATE = r"\d{3}[1-9]-((0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)|02-(0[1-9]|1\d|2[0-8]))"
_TIME = r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)"
_HEX = "[0-9a-f]"
FORMATS = {
    "date": rf"^{_DATE}$",
    "time": rf"^{_TIME}$",
    "date-time": rf"^{_DATE}T{_TIME}$",
    "duration": r"^P(\d{1,4}W|\d{1,4}D(T\d{1,4}[HMS])?|T\d{1,4}[HMS])$",
    "uuid": rf"^{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}$",
    "email": r"^[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9]+(-[A-Za-z0-9]+)*(\.[A-Za-z0-9]+(-[A-Za-z0-9]+)*)+$",
    "ipv4": r"^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$",
}
"""Texts of formats; not all that the standards allow."""

_KINDS = {
    "array": ("items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems"),
    "object": (
        *("properties", "required", "additionalProperties", "patternProperties", "propertyNames"),
        *("minProperties", "maxProperties", "dependentRequired", "dependentSchemas", "dependencies"),
    ),
    "string": ("minLength", "maxLength", "pattern", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
_KIND_OF = {keyword: kind for kind, keywords in _KINDS.items() for keyword in keywords}
_REFUSED = (
    *("not", "if", "then", "else", "contains", "minContains", "maxContains", "unevaluatedItems", "extends"),
    *("unevaluatedProperties", "$dynamicRef", "$recursiveRef", "disallow", "divisibleBy"),
)

_IN_KEYS = complement(((0, 0x1F), (0x85, 0x85), (0x2028, 0x2029)))
"""Characters of keys that are compared with patterns."""

Schema = Any
"""A schema in a parsed document: an object, or a boolean."""


def _is_count(value: Any) -> bool:
    return _is_number(value) and value >= 0 and value == int(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_schema(value: object) -> bool:
    return isinstance(value, dict | bool)


def _is_schemas(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_schema, value))


def _is_schema_map(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_schema, value.values()))


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_dependency(value: object) -> bool:
    return _is_schema(value) or _is_texts(value)


_DEPENDENCIES = ("dependentRequired", "dependentSchemas", "dependencies")
_VALID: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("minItems", "maxItems", "minProperties", "maxProperties", "minLength", "maxLength"), _is_count),
    **dict.fromkeys(("minimum", "maximum"), _is_number),
    **dict.fromkeys(
        ("exclusiveMinimum", "exclusiveMaximum"), lambda value: isinstance(value, bool) or _is_number(value)
    ),
    "multipleOf": lambda value: _is_number(value) and value > 0,
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), _is_schemas),
    **dict.fromkeys(("additionalProperties", "additionalItems", "propertyNames"), _is_schema),
    **dict.fromkeys(("properties", "patternProperties", "$defs", "definitions"), _is_schema_map),
    **dict.fromkeys(_DEPENDENCIES, lambda value: isinstance(value, dict) and all(map(_is_dependency, value.values()))),
    "items": lambda value: _is_schema(value) or (isinstance(value, list) and all(map(_is_schema, value))),
    "required": _is_texts,
    "enum": lambda value: isinstance(value, list) and bool(value),
    "uniqueItems": lambda value: isinstance(value, bool),
    **dict.fromkeys(("pattern", "format", "$ref"), lambda value: isinstance(value, str)),
    "type": lambda value: (
        value in _TYPES
        if isinstance(value, str)
        else _is_texts(value) and bool(value) and all(each in _TYPES for each in value)
    ),
}


def parse_schema(schema: str) -> Schema:
    """Parse the text of a schema.

    Raises:
        UserError: ``schema_not_json`` (line, column), ``schema_invalid``, ``schema_too_large``.
    """
    if len(schema) > MAX_SCHEMA_BYTES:
        raise UserError("schema_too_large")
    try:
        document = json.loads(schema, parse_int=_whole, parse_float=_finite, parse_constant=_finite)
    except json.JSONDecodeError as error:
        raise UserError("schema_not_json", line=error.lineno, column=error.colno) from None
    except (RecursionError, ValueError):
        raise UserError("schema_too_large") from None
    if not _is_schema(document):
        raise UserError("schema_invalid", place="/", keyword=_type_of(document))
    return document


@lru_cache(maxsize=16)
def schema_grammar(schema: str) -> str:
    """Return the grammar of a JSON schema in GBNF, with the rule ``root``.

    It takes at most some seconds and some dozen megabytes.

    Raises:
        UserError: as ``parse_schema``; ``schema_invalid`` (place, keyword) for a value that no schema has,
            ``schema_unsupported`` (place, keyword), ``schema_too_large``, ``schema_unsatisfiable``.
    """
    document = parse_schema(schema)
    converter = _Converter(document)
    try:
        text = converter.grammar.text(converter.value((document,)))
    except (TooLargeError, RecursionError):
        raise UserError("schema_too_large") from None
    if text is None:
        raise UserError("schema_unsatisfiable")
    return text


class _Converter:
    def __init__(self, document: Schema) -> None:
        self._document = document
        self._places: dict[int, str] = {}
        self._bases: dict[int, str] = {}
        """Base URIs of the schemas."""
        self._targets: dict[str, Schema] = {"": document}
        """Schemas by their URIs, those with anchors with a fragment."""
        self._find_places(document)
        self.grammar = Grammar()
        self._make = Expressions()
        self._names: dict[object, str] = {}
        self._made: dict[object, tuple[Schema, Schema]] = {}
        """Schemas that express dependencies: they are known by their identity."""
        self._depth = 0

    def value(self, schemas: Iterable[Schema]) -> str:
        """Return the rule of the values that satisfy all of these schemas."""
        schemas = tuple(each for each in schemas if each is not True)
        key = "value", frozenset(map(id, schemas))
        if key not in self._names:
            name = self._names[key] = self.grammar.new()
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise TooLargeError
            alternatives = self._alternatives(schemas)
            self.grammar.add(name, ((self._parts(parts),) for parts in alternatives))
            self._depth -= 1
        return self._names[key]

    # Schemas

    def _find_places(self, document: Schema) -> None:
        waiting: list[tuple[str, Schema, str, int]] = [("", document, "", 0)]
        while waiting:
            place, node, base, depth = waiting.pop()
            if depth > MAX_DEPTH:
                raise UserError("schema_too_large")
            if isinstance(node, dict):
                self._places[id(node)] = place or "/"
                own = node.get("$id", node.get("id"))
                if isinstance(own, str) and not own.startswith("#"):
                    base = _resolve(base, own)[0]
                    self._targets[base] = node
                self._bases[id(node)] = base
                for anchor in (own, f"#{node.get('$anchor')}"):
                    if isinstance(anchor, str) and anchor.startswith("#"):
                        self._targets[base + anchor] = node
            items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
            waiting += [
                (f"{place}/{str(key).replace('~', '~0').replace('/', '~1')}", each, base, depth + 1)
                for key, each in items
                if key not in ("enum", "const")
            ]

    def _alternatives(self, schemas: Sequence[Schema]) -> list[tuple[Schema, ...]]:
        """Return the conjunctions of schemas without references and combinations that a value may satisfy."""
        found: list[tuple[Schema, ...]] = [()]
        for schema in schemas:
            found = _product(found, self._expand(schema, ()))
        return found

    def _expand(self, schema: Schema, within: tuple[int, ...]) -> list[tuple[Schema, ...]]:
        if isinstance(schema, bool):
            return [()] if schema else []
        if id(schema) in within:
            raise self._error("schema_unsupported", schema, "$ref")
        self._check(schema)
        within = (*within, id(schema))
        found: list[tuple[Schema, ...]] = [(schema,)]
        if "$ref" in schema:
            found = _product(found, self._expand(self._target(schema), within))
        for each in schema.get("allOf", ()):
            found = _product(found, self._expand(each, within))
        if "anyOf" in schema:
            found = _product(found, [each for one in schema["anyOf"] for each in self._expand(one, within)])
        for keyword in _DEPENDENCIES:
            for name, needed in schema.get(keyword, {}).items():
                without, needed_schema = self._made.setdefault(
                    (id(schema), keyword, name),
                    ({"properties": {name: False}}, {"required": needed} if isinstance(needed, list) else needed),
                )
                found = _product(found, [(without,), *self._expand(needed_schema, within)])
        if "oneOf" in schema:
            options = [self._expand(one, within) for one in schema["oneOf"]]
            for first, second in itertools.combinations(options, 2):
                if not all(self._is_disjoint(one, other, 0) for one in first for other in second):
                    raise self._error("schema_unsupported", schema, "oneOf")
            found = _product(found, [each for option in options for each in option])
        return found

    def _check(self, schema: Mapping[str, Any]) -> None:
        for keyword, value in schema.items():
            if keyword in _REFUSED:
                raise self._error("schema_unsupported", schema, keyword)
            if keyword in _VALID and not _VALID[keyword](value):
                raise self._error("schema_invalid", schema, keyword)

    def _error(self, code: str, schema: Schema, keyword: str) -> UserError:
        return UserError(code, place=self._places.get(id(schema), "/"), keyword=keyword)

    def _target(self, schema: Mapping[str, Any]) -> Schema:
        reference, base = schema["$ref"], self._bases.get(id(schema), "")
        problem = self._error("schema_unsupported", schema, f"$ref {reference[:100]}")
        if schema is not self._document and ("$id" in schema or "id" in schema):
            raise problem  # some drafts ignore it there
        url, fragment = (base, reference[1:]) if reference.startswith("#") else _resolve(base, reference)
        is_pointer = not fragment or fragment.startswith("/")
        node: Any = self._targets.get(url if is_pointer else f"{url}#{fragment}")
        for part in unquote(fragment).split("/")[1:] if is_pointer else ():
            key = part.replace("~1", "/").replace("~0", "~")
            try:
                node = node[int(key)] if isinstance(node, list) else node[key]
            except (KeyError, IndexError, ValueError, TypeError):
                raise problem from None
        if not _is_schema(node):
            raise problem
        return node

    # Values

    def _parts(self, parts: tuple[Schema, ...]) -> str:
        """Return the rule of the values that satisfy what these schemas say themselves."""
        parts = tuple({id(part): part for part in parts}.values())
        key = "parts", frozenset(map(id, parts))
        if key in self._names:
            return self._names[key]
        name = self._names[key] = self.grammar.new()
        values = self._listed(parts)
        if values is not None:
            self.grammar.add(name, ((json_literal(each),) for each in values))
            return name
        types = _types(parts)
        if not any("type" in part for part in parts):
            about = {_KIND_OF[keyword] for part in parts for keyword in part if keyword in _KIND_OF}
            types &= about or types
        makers: dict[str, Callable[[tuple[Schema, ...]], list[Symbols]]] = {
            "null": lambda _: [('"null"',)],
            "boolean": lambda _: [('"true"',), ('"false"',)],
            "number": self._number,
            "string": self._string,
            "array": self._array,
            "object": self._object,
        }
        for type_, maker in makers.items():
            if type_ in types:
                self.grammar.add(name, maker(parts))
        return name

    def _listed(self, parts: Sequence[Schema]) -> list[Any] | None:
        """Return the values where ``enum`` or ``const`` list them."""
        lists = [values for part in parts for values in _lists(part)]
        if not lists:
            return None
        allowed = [{_identity(each) for each in values} for values in lists[1:]]
        values = {_identity(each): each for each in lists[0]}
        kept = [each for key, each in values.items() if all(key in other for other in allowed)]
        return [each for each in kept if all(self._satisfies(each, part) for part in parts)]

    def _satisfies(self, value: Any, part: Mapping[str, Any]) -> bool:
        """Whether a listed value satisfies what a schema says itself."""
        if _type_of(value) not in _types((part,)):
            return False
        if any(_identity(value) not in {_identity(each) for each in values} for values in _lists(part)):
            return False
        match value:
            case bool() | None:
                return True
            case int() | float():
                return self._bounds((part,)).contains(_decimal(value))
            case str():
                return self._make.matches(self._text((part,)), value)
        mentioned = next((keyword for keyword in part if _KIND_OF.get(keyword) == _type_of(value)), None)
        if mentioned is not None:
            raise self._error("schema_unsupported", part, f"{'enum' if 'enum' in part else 'const'}, {mentioned}")
        return True

    def _is_disjoint(self, first: Sequence[Schema], second: Sequence[Schema], depth: int) -> bool:
        """Whether it is certain that no value satisfies both."""
        both = (*first, *second)
        values = self._listed(both)
        if values is not None:
            return not values
        return all(
            (type_ == "number" and not self._make.automaton(self._bounds(both).expression(self._make)))
            or (type_ == "string" and not self._make.automaton(self._text(both)))
            or (type_ == "object" and depth < 3 and self._has_distinct_property(first, second, depth))
            for type_ in _types(both)
        )

    def _has_distinct_property(self, first: Sequence[Schema], second: Sequence[Schema], depth: int) -> bool:
        for name in {name for part in (*first, *second) for name in part.get("required", ())}:
            options = [
                self._alternatives([schema for part in parts for schema in self._of_property(part, name)])
                for parts in (first, second)
            ]
            if all(self._is_disjoint(one, other, depth + 1) for one in options[0] for other in options[1]):
                return True
        return False

    # Numbers and strings

    def _number(self, parts: tuple[Schema, ...]) -> list[Symbols]:
        bounds = self._bounds(parts)
        return [(self._automaton(bounds, bounds.expression(self._make), is_string=False),)]

    def _bounds(self, parts: Sequence[Schema]) -> Bounds:
        lows: list[tuple[Decimal, bool]] = []
        highs: list[tuple[Decimal, bool]] = []
        divisors = set()
        for part in parts:
            for found, name, exclusive in (
                (lows, "minimum", "exclusiveMinimum"),
                (highs, "maximum", "exclusiveMaximum"),
            ):
                excludes = part.get(exclusive, False)
                if name in part:
                    found.append((_decimal(part[name]), excludes is True))
                if not isinstance(excludes, bool):
                    found.append((_decimal(excludes), True))
            if "multipleOf" in part:
                divisor = part["multipleOf"]
                if divisor != int(divisor) or divisor > 10_000:
                    raise self._error("schema_unsupported", part, f"multipleOf {divisor}")
                divisors.add(int(divisor))
        low, excludes_low = max(lows, default=(None, False))
        high, excludes_high = min(((each, not excludes) for each, excludes in highs), default=(None, True))
        is_integer = "number" in _types(parts) and "integer" in _types(parts, exact=True)
        return Bounds(low, high, excludes_low, not excludes_high, is_integer, frozenset(divisors - {1} or divisors))

    def _string(self, parts: tuple[Schema, ...]) -> list[Symbols]:
        grammar = self.grammar
        if not any("pattern" in part or part.get("format") in FORMATS for part in parts):
            least, most = _lengths(parts)
            if most is not None and most < least:
                return []
            return [('"\\""', *grammar.repeat(grammar.character, least, most), '"\\""')]
        return [('"\\""', self._automaton(None, self._text(parts), is_string=True), '"\\""')]

    def _text(self, parts: Sequence[Schema]) -> Expression:
        """Return the texts of a string."""
        make, found = self._make, []
        for part in parts:
            for keyword, pattern in (("pattern", part.get("pattern")), ("format", FORMATS.get(part.get("format", "")))):
                if pattern is not None:
                    found.append(self._pattern(part, keyword, pattern))
        least, most = _lengths(parts)
        if least or most is not None:
            found.append(make.repeat(make.characters(((0, 0x10FFFF),)), least, most))
        return make.both(*found)

    def _pattern(self, part: Schema, keyword: str, pattern: str) -> Expression:
        try:
            return parse_pattern(pattern, self._make)
        except PatternError as error:
            raise self._error("schema_unsupported", part, f"{keyword} {error}") from None

    def _automaton(self, key: object, expression: Expression, *, is_string: bool) -> str:
        key = "automaton", key or expression
        if key not in self._names:
            states = self._make.automaton(expression)
            self._names[key] = self.grammar.automaton(states, in_string if is_string else plain)
        return self._names[key]

    # Arrays and objects

    def _array(self, parts: tuple[Schema, ...]) -> list[Symbols]:
        least = max((int(part.get("minItems", 0)) for part in parts), default=0)
        most = min((int(part["maxItems"]) for part in parts if "maxItems" in part), default=None)
        first, further = zip(*map(_items, parts), strict=True) if parts else ((), ())
        count = max(map(len, first), default=0)
        items = [
            [each[place] if place < len(each) else rest for each, rest in zip(first, further, strict=True)]
            for place in range(count)
        ]
        unique = next((part for part in parts if part.get("uniqueItems")), None)
        if unique is not None and (most is None or most > 1):
            values = self._finite(further) if not count else None
            if values is None:
                raise self._error("schema_unsupported", unique, "uniqueItems")
            return self._chain([((json_literal(each),), False) for each in values], None, least, most, "[", "]")
        if most is not None and most < least:
            return []
        entries = [(self.value(each), self.grammar.space) for each in items[:most]]
        rest = (self.value(further), self.grammar.space)
        return self._list(entries, rest, least, most)

    def _list(self, entries: Sequence[Symbols], rest: Symbols, least: int, most: int | None) -> list[Symbols]:
        grammar, comma = self.grammar, ('","', self.grammar.space)
        count = len(entries)
        left = None if most is None else most - count
        tail: Symbols = ()
        if left is None or left > 0:
            if count:
                tail = grammar.repeat((*comma, *rest), max(0, least - count), left)
            else:
                more = grammar.repeat((*comma, *rest), max(0, least - 1), None if left is None else left - 1)
                tail = (grammar.rule([(*rest, *more), *([()] if not least else [])]),)
        for place in range(count - 1, -1, -1):
            entry = (*(comma if place else ()), *entries[place], *tail)
            tail = (grammar.rule([entry, *([()] if place >= least else [])]),)
        return [('"["', grammar.space, *tail, '"]"')]

    def _finite(self, schemas: Sequence[Schema]) -> list[Any] | None:
        """Return the values of a schema that has few."""
        found: dict[str, Any] = {}
        for parts in self._alternatives([each for each in schemas if each is not True]):
            values = self._listed(parts)
            if values is None and _types(parts) <= {"boolean", "null"} and parts:
                types = _types(parts)
                values = [*([True, False] if "boolean" in types else []), *([None] if "null" in types else [])]
            if values is None:
                return None
            found |= {_identity(each): each for each in values}
        return list(found.values())

    def _object(self, parts: tuple[Schema, ...]) -> list[Symbols]:
        make, space = self._make, self.grammar.space
        names = dict.fromkeys(name for part in parts for name in part.get("properties", {}))
        required = dict.fromkeys(name for part in parts for name in part.get("required", ()))
        allowed = [self._key_texts(part["propertyNames"]) for part in parts if "propertyNames" in part]
        entries = []
        for name in names | required:
            if all(make.matches(each, name) for each in allowed):
                value = self.value([each for part in parts for each in self._of_property(part, name)])
                entries.append(((json_literal(name), '":"', space, value), name in required))
            elif name in required:
                return []
        others = make.both(*allowed, make.other(make.union(*map(make.text, names | required))))
        patterns = [(part, pattern) for part in parts for pattern in part.get("patternProperties", {})]
        if len(patterns) > MAX_PATTERNS:
            raise TooLargeError
        if patterns:
            # Validators differ in whether a dot is a line end.
            others = make.both(others, make.repeat(make.characters(_IN_KEYS)))
        further: list[Symbols] = []
        for matched in itertools.product((True, False), repeat=len(patterns)):
            keys, schemas, covered = others, [], set()
            for (part, pattern), is_matched in zip(patterns, matched, strict=True):
                texts = self._pattern(part, "patternProperties", pattern)
                keys = make.both(keys, texts if is_matched else make.other(texts))
                if is_matched:
                    schemas.append(part["patternProperties"][pattern])
                    covered.add(id(part))
            schemas += [part.get("additionalProperties", True) for part in parts if id(part) not in covered]
            if False in schemas:
                continue
            key = ('"\\""', *self.grammar.repeat(self.grammar.character, 0, None), '"\\""')
            if keys is not make.anything:
                key = ('"\\""', self._automaton(None, keys, is_string=True), '"\\""')
            further.append((*key, '":"', space, self.value(schemas)))
        least = max((int(part.get("minProperties", 0)) for part in parts), default=0)
        most = min((int(part["maxProperties"]) for part in parts if "maxProperties" in part), default=None)
        if further and least > len(required):
            # The same key twice would be one property.
            counted = next(part for part in parts if part.get("minProperties", 0) == least)
            if least > len(entries):
                raise self._error("schema_unsupported", counted, "minProperties")
        rest = (self.grammar.rule(further),) if further else None
        return self._chain(entries, rest, least, most, "{", "}")

    def _key_texts(self, schema: Schema) -> Expression:
        options = (
            self._make.union(*map(self._make.text, filter(_is_text, values)))
            if (values := self._listed(parts)) is not None
            else self._text(parts)
            if "string" in _types(parts)
            else self._make.nothing
            for parts in self._alternatives([schema])
        )
        return self._make.union(*options)

    def _of_property(self, part: Mapping[str, Any], name: str) -> list[Schema]:
        """Return the schemas in ``part`` that apply to a property."""
        found = [part["properties"][name]] if name in part.get("properties", {}) else []
        for pattern, schema in part.get("patternProperties", {}).items():
            if self._make.matches(self._pattern(part, "patternProperties", pattern), name):
                found.append(schema)
        return found or [part.get("additionalProperties", True)]

    def _chain(
        self,
        entries: Sequence[tuple[Symbols, bool]],
        rest: Symbols | None,
        least: int,
        most: int | None,
        opening: str,
        closing: str,
    ) -> list[Symbols]:
        """Return the symbols of entries in their order, each with whether it is required, then of ``rest``."""
        grammar, space = self.grammar, self.grammar.space
        required = sum(is_required for _, is_required in entries)
        least = 0 if least <= required else least
        if rest is None and most is not None and most >= len(entries):
            most = None
        cap = max(1, least, most or 0)
        if (least or most is not None) and cap * len(entries) > 10_000:
            raise TooLargeError
        if most is not None and most < max(least, required):
            return []
        # Rules by the number of entries that were written, up to ``cap``.
        following: dict[int, Symbols] = {}
        for written in range(cap + 1):
            if rest is None:
                tail: Symbols | None = () if written >= least else None
            else:
                one, comma = (*rest, space), ('","', space)
                more = None if most is None else most - written
                needed = max(0, least - written)
                if more == 0:
                    tail = ()
                elif written:
                    tail = grammar.repeat((*comma, *one), needed, more)
                else:
                    later = grammar.repeat((*comma, *one), max(0, needed - 1), None if more is None else more - 1)
                    tail = (grammar.rule([(*one, *later), *([()] if not needed else [])]),)
            if tail is not None:
                following[written] = tail
        for symbols, is_required in reversed(entries):
            before: dict[int, Symbols] = {}
            for written in range(cap + 1):
                options: list[Symbols] = []
                separator: Symbols = ('","', space) if written else ()
                after = following.get(min(written + 1, cap))
                if after is not None and (most is None or written < most):
                    options.append((*separator, *symbols, space, *after))
                if not is_required and written in following:
                    options.append(following[written])
                if options:
                    before[written] = (grammar.rule(options),)
            following = before
        return [(f'"{opening}"', space, *following[0], f'"{closing}"')] if 0 in following else []


def _product(first: list[tuple[Schema, ...]], second: list[tuple[Schema, ...]]) -> list[tuple[Schema, ...]]:
    if len(first) * len(second) > MAX_ALTERNATIVES:
        raise TooLargeError
    return [(*one, *other) for one in first for other in second]


def _types(parts: Iterable[Mapping[str, Any]], *, exact: bool = False) -> set[str]:
    """Return the types that all schemas allow, integers as numbers; with ``exact`` integers if numbers are integers."""
    allowed = {*_TYPES}
    for part in parts:
        named = part.get("type", _TYPES)
        named = {named} if isinstance(named, str) else {*named}
        allowed &= named | {"integer"} if "number" in named else named
    is_integer = "integer" in allowed and "number" not in allowed
    if exact:
        return allowed if is_integer else allowed - {"integer"}
    return allowed - {"integer"} | ({"number"} if "integer" in allowed else set())


def _type_of(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
    return "array" if isinstance(value, list) else "object"


def _lists(part: Mapping[str, Any]) -> list[list[Any]]:
    return [*([part["enum"]] if "enum" in part else []), *([[part["const"]]] if "const" in part else [])]


def _items(part: Mapping[str, Any]) -> tuple[list[Schema], Schema]:
    """Return the schemas of the first items, and of all further ones."""
    if isinstance(items := part.get("items", True), list):
        return items, part.get("additionalItems", True)
    return part.get("prefixItems", []), items


def _lengths(parts: Iterable[Mapping[str, Any]]) -> tuple[int, int | None]:
    parts = tuple(parts)
    most = [int(part["maxLength"]) for part in parts if "maxLength" in part]
    return max((int(part.get("minLength", 0)) for part in parts), default=0), min(most, default=None)


def _identity(value: Any) -> str:
    """Return a text that equal JSON values share."""

    def plain(each: Any) -> Any:
        match each:
            case float() if each.is_integer():
                return int(each)
            case list():
                return [plain(item) for item in each]
            case dict():
                return {key: plain(item) for key, item in each.items()}
        return each

    return json.dumps(plain(value), sort_keys=True)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _resolve(base: str, reference: str) -> tuple[str, str]:
    """Return the address that a reference stands for, and its fragment."""
    try:
        url, fragment = urldefrag(urljoin(base, reference))
    except ValueError:
        # No address, such as "http://[": it stands for nothing but itself.
        return reference, ""
    return url, fragment


def _finite(text: str) -> float:
    if math.isfinite(value := float(text)):
        return value
    raise ValueError(text)


def _whole(text: str) -> int:
    # Numbers are compared with floats too.
    _finite(text)
    return int(text)


def _decimal(value: float) -> Decimal:
    return Decimal(str(value))
