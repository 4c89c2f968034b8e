"""wasmcloud:postgres behind the guest `postgres`: its lines are said in tests/guests/postgres/src/lib.rs."""

import pytest

from test_sql import ask, postgres  # noqa: F401, the fixture too


@pytest.fixture
def server(serve, postgres):  # noqa: F811
    return serve("postgres.wasm", "--link", f"wasmcloud:postgres={postgres.url}")


# What the server has, as which case it comes, and as what it goes back; in the order of the contract.
TYPES = [
    ("'-9223372036854775808'::int8", "PgValue::Int8(-9223372036854775808)", None),
    ("ARRAY[1,-2]::int8[]", "PgValue::Int8Array([1, -2])", "{1,-2}"),
    ("true", "PgValue::Bool(true)", "true"),
    ("ARRAY[true,false]", "PgValue::BoolArray([true, false])", "{t,f}"),
    ("'1e308'::float8", None, "1e+308"),
    ("'5e-324'::float8", None, "5e-324"),
    ("'NaN'::float8", None, "NaN"),
    ("'-Infinity'::float8", None, "-Infinity"),
    ("ARRAY[0.1,-2.5]::float8[]", None, "{0.1,-2.5}"),
    ("'0.5'::float4", "PgValue::Float4((8388608, -24, 1))", "0.5"),
    ("'3.4028235e38'::float4", None, "3.4028235e+38"),
    ("'NaN'::float4", None, "NaN"),
    ("'Infinity'::float4", None, "Infinity"),
    ("ARRAY[1.5]::float4[]", None, "{1.5}"),
    ("2147483647", "PgValue::Int4(2147483647)", None),
    ("ARRAY[1,2]", "PgValue::Int4Array([1, 2])", "{1,2}"),
    ("'{}'::int4[]", "PgValue::Int4Array([])", "{}"),
    ("'12345678901234567890.123456789'::numeric", 'PgValue::Numeric("12345678901234567890.123456789")', None),
    ("'NaN'::numeric", 'PgValue::Numeric("NaN")', "NaN"),
    ("ARRAY[1.50]::numeric[]", 'PgValue::NumericArray(["1.50"])', "{1.50}"),
    ("'-32768'::int2", "PgValue::Int2(-32768)", None),
    ("ARRAY[7]::int2[]", "PgValue::Int2Array([7])", "{7}"),
    ("'1 2 3'::int2vector", "PgValue::Int2Vector([1, 2, 3])", "1 2 3"),
    ("ARRAY['1 2'::int2vector]", "PgValue::Int2VectorArray([[1, 2]])", '{"1 2"}'),
    ("B'1010000011'", "PgValue::Bit((10, [160, 192]))", "1010000011"),
    ("ARRAY[B'101']", "PgValue::BitArray([(3, [160])])", "{101}"),
    ("'1'::varbit", "PgValue::BitVarying((Some(1), [128]))", "1"),
    ("ARRAY['11'::varbit]", "PgValue::VarbitArray([(Some(2), [192])])", "{11}"),
    ("'\\x00ff5c'::bytea", "PgValue::Bytea([0, 255, 92])", "\\x00ff5c"),
    ("ARRAY['\\x00'::bytea]", "PgValue::ByteaArray([[0]])", '{"\\\\x00"}'),
    ("'ab'::char(3)", "PgValue::Char((3, [97, 98, 32]))", "ab "),
    ("ARRAY['x'::char(1)]", "PgValue::CharArray([(1, [120])])", "{x}"),
    ("'é'::varchar", "PgValue::Varchar((None, [195, 169]))", "é"),
    ("ARRAY['a \"b\\'::varchar]", "PgValue::VarcharArray([(None, [97, 32, 34, 98, 92])])", '{"a \\"b\\\\"}'),
    ("'10.0.0.0/8'::cidr", 'PgValue::Cidr("10.0.0.0/8")', None),
    ("ARRAY['::1'::inet]", 'PgValue::InetArray(["::1"])', "{::1}"),
    ("'08:00:2b:01:02:03'::macaddr", "PgValue::Macaddr(MacAddressEui48 { bytes: (8, 0, 43, 1, 2, 3) })", None),
    ("ARRAY['08:00:2b:01:02:03'::macaddr]", None, "{08:00:2b:01:02:03}"),
    ("'08:00:2b:01:02:03:04:05'::macaddr8", None, "08:00:2b:01:02:03:04:05"),
    ("'(3,4),(1,2)'::box", None, "(3,4),(1,2)"),
    ("ARRAY['(3,4),(1,2)'::box, '(1,1),(0,0)']", None, "{(3,4),(1,2);(1,1),(0,0)}"),
    ("'<(1,2),3>'::circle", None, "<(1,2),3>"),
    ("ARRAY['<(1,2),3>'::circle]", None, '{"<(1,2),3>"}'),
    ("'{1,-1,0}'::line", None, "{1,-1,0}"),
    ("'[(1,2),(3,4)]'::lseg", None, "[(1,2),(3,4)]"),
    ("'[(1,2),(3,4),(5,6)]'::path", None, "[(1,2),(3,4),(5,6)]"),
    ("'(1.5,-2e300)'::point", None, "(1.5,-2e+300)"),
    ("ARRAY['(1,2)'::point]", None, '{"(1,2)"}'),
    ("'((1,2),(3,4),(5,6))'::polygon", None, "((1,2),(3,4),(5,6))"),
    ("ARRAY['((1,2),(3,4))'::polygon]", None, '{"((1,2),(3,4))"}'),
    ("'2024-02-29'::date", "PgValue::Date(Date::Ymd((2024, 2, 29)))", "2024-02-29"),
    ("'4713-01-01 BC'::date", "PgValue::Date(Date::Ymd((-4712, 1, 1)))", "4713-01-01 BC"),
    ("'5874897-12-31'::date", "PgValue::Date(Date::Ymd((5874897, 12, 31)))", None),
    ("'-infinity'::date", "PgValue::Date(Date::NegativeInfinity)", "-infinity"),
    ("ARRAY['2024-02-29'::date]", None, "{2024-02-29}"),
    ("'[2024-01-01,2024-02-01)'::daterange", None, "[2024-01-01,2024-02-01)"),
    ("'24:00:00'::time", "PgValue::Time(Time { hour: 24, min: 0, sec: 0, micro: 0 })", "24:00:00"),
    ("'12:34:56.789'::time", "PgValue::Time(Time { hour: 12, min: 34, sec: 56, micro: 789000 })", None),
    ("'12:34:56-08'::timetz", None, "12:34:56-08"),
    ("'294276-12-31 23:59:59.999999'::timestamp", None, "294276-12-31 23:59:59.999999"),
    ("'4713-01-01 00:00:00 BC'::timestamp", None, "4713-01-01 00:00:00 BC"),
    ("'infinity'::timestamp", None, "infinity"),
    ("ARRAY['2024-02-29 01:02:03'::timestamp]", None, '{"2024-02-29 01:02:03"}'),
    ("'2024-02-29 01:02:03.000004+00'::timestamptz", None, "2024-02-29 01:02:03.000004+00"),
    ("'-infinity'::timestamptz", None, "-infinity"),
    ("ARRAY['2024-02-29 01:02:03+00'::timestamptz]", None, '{"2024-02-29 01:02:03+00"}'),
    ("""'{"a": [1, null]}'::json""", None, '{"a": [1, null]}'),
    ("""'{"a": 1}'::jsonb""", 'PgValue::Jsonb("{\\"a\\": 1}")', '{"a": 1}'),
    ("""ARRAY['{"a": "b,c"}'::jsonb]""", None, '{"{\\"a\\": \\"b,c\\"}"}'),
    ("'-92233720368547758.08'::money", 'PgValue::Money("-92233720368547758.08")', "-$92,233,720,368,547,758.08"),
    ("ARRAY['1234.5'::money]", 'PgValue::MoneyArray(["1234.50"])', '{"$1,234.50"}'),
    ("'FFFFFFFF/FFFFFFFF'::pg_lsn", "PgValue::PgLsn(18446744073709551615)", "FFFFFFFF/FFFFFFFF"),
    ("'10:20:10,14,15'::pg_snapshot", "PgValue::PgSnapshot((10, 20, [10, 14, 15]))", None),
    ("'a name'::name", 'PgValue::Name("a name")', "a name"),
    ("''::text", 'PgValue::Text("")', ""),
    ("ARRAY['', 'NULL', 'a,b', '{}']", 'PgValue::TextArray(["", "NULL", "a,b", "{}"])', '{"","NULL","a,b","{}"}'),
    ("'<a/>'::xml", 'PgValue::Xml("<a/>")', "<a/>"),
    ("'fat & !rat:AB'::tsquery", None, "'fat' & !'rat':AB"),
    ("$$'it''s':1A,5 fat:2 none$$::tsvector", None, "'fat':2 'it''s':1A,5 'none'"),
    ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", None, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("NULL::int4", "PgValue::Null", None),
    ("'1 day'::interval", 'PgValue::Text("1 day")', "1 day"),
]


def test_every_type_there_and_back(server):
    wrong = []
    for expression, case, text in TYPES:
        (kind,) = ask(server, f"query SELECT pg_typeof({expression})::text AS t")
        kind = kind.removeprefix('t=PgValue::Text("').removesuffix('")')
        kind = {"bit": "varbit", "bit[]": "varbit[]", "character": "varchar"}.get(kind, kind)  # not cut to one
        (line,) = ask(server, f"echo SELECT {expression}\t{kind}")
        if case and not line.startswith(case + " "):
            wrong.append((expression, case, line))
        if text is not None:
            shown = text.replace("\\", "\\\\").replace('"', '\\"')
            if not line.endswith(f'PgValue::Text("{shown}")'):
                wrong.append((expression, text, line))
    assert not wrong, "\n".join(map(str, wrong))


def test_values_of_all_sorts(server):
    lines = ask(
        server,
        "query CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, tags TEXT[], data BYTEA, code UUID)",
        "exec INSERT INTO person VALUES ($1, $2, $3, $4, $5)\tint4:1\ttext:Ann\ttexts:a,b\tbytea:raw\t"
        "uuid:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "query SELECT name, tags, data FROM person WHERE id = ANY($1)\tint4s:1,2,3",
        "query SELECT code = $1 AS same, $2::int8 + 1 AS more FROM person\ttext:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
        "\tint8:41",
        "query SELECT $1::text IS NULL AS none, $2::bool AS yes, $3::numeric AS n\tnull\tbool:true\tnumeric:1.50",
        "query SELECT id AS n, id AS n FROM person",
        "query DELETE FROM person",
    )
    assert lines == [
        "", "1", 'name=PgValue::Text("Ann") tags=PgValue::TextArray(["a", "b"]) data=PgValue::Bytea([114, 97, 119])',
        "same=PgValue::Bool(true) more=PgValue::Int8(42)",
        'none=PgValue::Bool(true) yes=PgValue::Bool(true) n=PgValue::Numeric("1.50")',
        "n=PgValue::Int4(1) n=PgValue::Int4(1)", "",
    ]


def test_rows_and_counts(server):
    lines = ask(
        server,
        "batch CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO item VALUES (1, 'one'), (2, 'two')",
        "query SELECT * FROM item ORDER BY id",
        "exec UPDATE item SET name = $1 WHERE id >= $2\ttext:three\tint4:1",
        "again x\ttext:four\tint4:2",
        "query SELECT name FROM item ORDER BY id",
    )
    assert lines == [
        "done",
        'id=PgValue::Int4(1) name=PgValue::Text("one"); id=PgValue::Int4(2) name=PgValue::Text("two")',
        "2", "1",
        'name=PgValue::Text("three"); name=PgValue::Text("four")',
    ]


def test_errors_are_the_contracts_own(server):
    lines = ask(
        server,
        "query SELEC",
        "query SELECT * FROM no_such_table",
        "query SELECT $1::char(3)\tchar:toolong",
        "query SELECT $1::varchar\traw:",
        "exec SELEC",
        "token made up",
        "batch SELECT 1; SELECT 1/0",
        "query BEGIN",
        "batch BEGIN; CREATE TABLE never (a INTEGER)",
        "query SELECT * FROM never",
        "query SELECT ARRAY[1, NULL]",
        "query SELECT generate_series(1, 10000000), repeat('x', 1000)",
        "query SELECT 1 AS a",
    )
    for line, said in zip(lines, [
        "QueryError::InvalidQuery", "no_such_table", "QueryError::InvalidParams", "QueryError::InvalidParams",
        "StatementPrepareError::Unexpected", "PreparedStatementExecError::UnknownPreparedQuery", "division by zero",
        "left a transaction open", "left a transaction open", "does not exist", "no place in its type",
        "the answer has more than 64 MiB", "a=PgValue::Int4(1)",
    ]):
        assert said in line, (said, line)


def test_nothing_is_linked(serve):
    (line,) = ask(serve("postgres.wasm"), "query SELECT 1")
    assert "no provider of wasmcloud:postgres is linked" in line
