"""What ODBC says of a register. Argument: a connection string without the user; ODBCSYSINI names the folder of odbcinst.ini."""
import datetime
import decimal
import sys

import pyodbc

from tap import check, equal, plans

SCHEMA, STREET, GRID = "community", "350304003", "350304003004005"
FIGURES = ["areas", "figures", "events_monthly", "staffing_gaps", "size_check", "visit_coverage", "reference_case", "freshness"]
ODD = ["𠮷祥里", "\"甲\"的'乙'\\丙?"]
# as ODBC numbers them: text, int, bigint, numeric, date, timestamp
PLAIN = {pyodbc.SQL_WVARCHAR, pyodbc.SQL_INTEGER, pyodbc.SQL_BIGINT, pyodbc.SQL_NUMERIC, pyodbc.SQL_TYPE_DATE, pyodbc.SQL_TYPE_TIMESTAMP}


def connect(user):
    return pyodbc.connect(sys.argv[1] + ";UID=" + user)


for user in ("clients_bi", "clients_boss"):
    c = connect(user)
    k = c.cursor()
    found = {r.table_name: r.table_type for r in k.tables(schema=SCHEMA)}
    check(all(found.get(v) == "VIEW" for v in FIGURES + ["events"]), user + ": SQLTables has the views", found)
    check(all(found.get(t) == "TABLE" for t in ("area", "boundary", "household", "event")), user + ": and the tables", found)
    columns = {v: {r.column_name: r.data_type for r in k.columns(schema=SCHEMA, table=v)} for v in FIGURES}
    check(all(columns.values()), user + ": SQLColumns of each view", columns)
    odd = {(v, name) for v in FIGURES for name, number in columns[v].items() if number not in PLAIN}
    check(odd <= {("areas", "geom")}, user + ": every type is a plain one, but geom's", odd)
    equal([r.column_name for r in k.primaryKeys(schema=SCHEMA, table="household")], ["id"], user + ": SQLPrimaryKeys")
    equal([r.column_name for r in k.primaryKeys(schema=SCHEMA, table="event_step")], ["event", "number"], user + ": and of two columns")
    equal({(r.fkcolumn_name, r.pktable_name, r.pkcolumn_name) for r in k.foreignKeys(foreignSchema=SCHEMA, foreignTable="event")},
          {("kind", "event_kind", "kind"), ("household", "household", "id"), ("building", "building", "id"), ("grid", "area", "code"),
           ("department", "organization", "id")}, user + ": SQLForeignKeys")
    c.close()

c = connect("clients_bi")
k = c.cursor()
row = k.execute("SELECT code, street_name, households, on_time_percent FROM community.figures WHERE code = ?", STREET).fetchone()
equal([type(v) for v in row], [str, str, int, decimal.Decimal], "text, bigint and numeric")
equal(row[1], "第3街道", "Chinese text")
check(k.execute("SELECT on_time_percent FROM community.events_monthly WHERE code = ? AND kind = 'visit' AND month = ?",
                STREET, datetime.date(2023, 2, 1)).fetchone()[0] is None, "a rate of nothing is NULL")
equal([r[0] for r in k.execute("SELECT DISTINCT month FROM community.visit_coverage ORDER BY 1")],
      [datetime.date(2023, n, 1) for n in (9, 10, 11)], "date")
rows = k.execute("SELECT figures, refreshed_at, lag_seconds FROM community.freshness").fetchall()
check(len(rows) == 4 and all(isinstance(r[1], datetime.datetime) and r[2] >= 0 for r in rows), "timestamptz and seconds", rows)
equal([r[0] for r in k.execute("SELECT name FROM community.areas WHERE code IN ('350304001001001', '350304001001002') ORDER BY code")], ODD, "text of all kinds")
for text in ODD:
    equal(len(k.execute("SELECT code FROM community.areas WHERE name = ? AND street_code = ?", text, STREET).fetchall()), 10, "as a parameter: " + text)
k.execute("SELECT geom FROM community.areas WHERE code = ?", GRID)
check(k.fetchone()[0].startswith("0106"), "geom is read as text, in hexadecimal digits")
c.close()

# ODBC sends a parameter as a string; a column of gridcode takes it
for user, condition, value, rows, index in (("clients_boss", "household WHERE gridcode <@ ?", STREET, 500, "household_gridcode_idx"),
                                            ("clients_boss", "household WHERE grid = ?", GRID, 5, "household_grid_idx"),
                                            ("clients_bi", "figures WHERE street_code = ?", STREET, 11, "area_street_idx")):
    c = connect(user)
    k = c.cursor()
    equal(len(k.execute("SELECT * FROM community." + condition, value).fetchall()), rows, condition)
    plan = "\n".join(r[0] for r in k.execute("EXPLAIN SELECT * FROM community." + condition, value))
    plans(condition, plan, index, "household", "event_total", "area a")
    c.close()
print("done")
