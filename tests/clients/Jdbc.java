import java.math.BigDecimal;
import java.sql.*;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.*;
import java.util.regex.Pattern;

/** What JDBC says of a register. Arguments: where the server is, a reader, an officer of one grid; prints results as TAP does. */
class Jdbc {
	static final String SCHEMA = "community", STREET = "350304003", GRID = "350304003004005";
	static final Set<String> FIGURES = Set.of("areas", "figures", "events_monthly", "staffing_gaps", "size_check", "visit_coverage",
		"reference_case", "freshness");

	static void check(boolean held, String name, Object got) {
		System.out.println((held ? "ok - " : "not ok - ") + name);
		if (!held) System.out.println("# got: " + String.valueOf(got).replace("\n", "\n# "));
	}

	static void is(Object got, Object expected, String name) {
		check(Objects.equals(got, expected), name, got + ", expected: " + expected);
	}

	static String server;

	static Connection connect(String user, String... options) throws SQLException {
		return DriverManager.getConnection(server + "?user=" + user + "&currentSchema=" + SCHEMA + ",public&" + String.join("&", options));
	}

	static List<String> list(ResultSet rows, String... columns) throws SQLException {
		List<String> all = new ArrayList<>();
		while (rows.next()) {
			List<String> row = new ArrayList<>();
			for (String column : columns) row.add(rows.getString(column));
			all.add(String.join(" ", row));
		}
		return all;
	}

	/** Tables, keys and columns, as a tool reads them before anybody has written a query. */
	static void metadata(String user) throws SQLException {
		try (Connection c = connect(user)) {
			DatabaseMetaData meta = c.getMetaData();
			Set<String> tables = new TreeSet<>(), views = new TreeSet<>(), bare = new TreeSet<>();
			ResultSet all = meta.getTables(null, SCHEMA, "%", new String[] {"TABLE", "VIEW"});
			while (all.next()) {
				String name = all.getString("TABLE_NAME");
				(all.getString("TABLE_TYPE").equals("VIEW") ? views : tables).add(name);
				if (all.getString("REMARKS") == null || all.getString("REMARKS").isEmpty()) bare.add(name);
			}
			check(views.containsAll(FIGURES) && views.contains("events"), user + ": getTables has the views", views);
			check(tables.containsAll(Set.of("area", "boundary", "household", "event", "visit")), user + ": and the tables", tables);
			is(bare, Set.of(), user + ": all with REMARKS");

			Set<String> odd = new TreeSet<>(), silent = new TreeSet<>(), names = new TreeSet<>();
			int columns = 0;
			for (String view : FIGURES) {
				ResultSet of = meta.getColumns(null, SCHEMA, view, "%");
				while (of.next()) {
					String column = of.getString("COLUMN_NAME");
					columns++;
					if (of.getInt("DATA_TYPE") == Types.OTHER || of.getInt("DATA_TYPE") == Types.ARRAY) odd.add(view + "." + column);
					if (of.getString("REMARKS") == null) silent.add(view + "." + column);
					names.add(of.getString("TYPE_NAME"));
				}
			}
			is(odd, Set.of("areas.geom"), user + ": every type is one of java.sql.Types, but geom's");
			is(silent, Set.of(), user + ": columns have REMARKS");
			check(columns > 100, user + ": and there are many", columns);
			is(names, Set.of("text", "int4", "int8", "numeric", "date", "timestamptz", "geometry"), user + ": types");

			Set<String> keyless = new TreeSet<>();
			for (String table : List.of("area", "boundary", "boundary_version", "building", "household", "establishment", "organization",
					"organization_kind", "assignment", "post", "event", "event_kind", "event_step", "event_transition", "visit", "activity", "register"))
				if (list(meta.getPrimaryKeys(null, SCHEMA, table), "COLUMN_NAME").isEmpty()) keyless.add(table);
			is(keyless, Set.of(), user + ": each table has a primary key");
			is(list(meta.getPrimaryKeys(null, SCHEMA, "household"), "COLUMN_NAME"), List.of("id"), user + ": getPrimaryKeys");
			is(new TreeSet<>(list(meta.getPrimaryKeys(null, SCHEMA, "event_step"), "KEY_SEQ", "COLUMN_NAME")), Set.of("1 event", "2 number"),
				user + ": and of two columns");
			is(new TreeSet<>(list(meta.getImportedKeys(null, SCHEMA, "event"), "FKCOLUMN_NAME", "PKTABLE_NAME", "PKCOLUMN_NAME")),
				Set.of("kind event_kind kind", "household household id", "building building id", "grid area code", "department organization id"),
				user + ": getImportedKeys");
			check(list(meta.getExportedKeys(null, SCHEMA, "area"), "FKTABLE_NAME", "FKCOLUMN_NAME").containsAll(
				List.of("household grid", "event grid", "area parent", "boundary code", "organization grid", "visit grid")),
				user + ": getExportedKeys", list(meta.getExportedKeys(null, SCHEMA, "area"), "FKTABLE_NAME", "FKCOLUMN_NAME"));
			try (ResultSet rows = c.createStatement().executeQuery("SELECT code, geom FROM areas LIMIT 1")) {
				is(rows.getMetaData().getColumnTypeName(2), "geometry", user + ": geom says what it is");
				check(rows.next() && rows.getObject(2) != null, user + ": and can be read without knowing it", null);
			}
		}
	}

	/** The plan by which a statement was carried out: auto_explain sends it as a warning. */
	static String plan(Statement s) throws SQLException {
		StringBuilder plan = new StringBuilder();
		for (SQLWarning w = s.getWarnings(); w != null; w = w.getNextWarning()) plan.append(w.getMessage()).append('\n');
		s.clearWarnings();
		return plan.toString();
	}

	/** A filter that is prepared and given a string: the rows, and that the index finds them, whatever the plan was made for. */
	static void prepared(String user, String sql, String value, int rows, String index, String... tables) throws SQLException {
		for (String mode : List.of("auto", "force_generic_plan", "force_custom_plan")) {
			String name = user + ", " + mode + ": " + sql;
			try (Connection c = connect(user, "prepareThreshold=1", "options=-c%20plan_cache_mode=" + mode);
					PreparedStatement s = c.prepareStatement(sql)) {
				int counted = 0;
				String plan = "";
				// after five times the server may go over to a plan for every value
				for (int n = 0; n < 8; n++) {
					s.setString(1, value);
					counted = 0;
					ResultSet r = s.executeQuery();
					while (r.next()) counted++;
					plan = plan(s);
				}
				is(counted, rows, name + ": rows");
				String any = "\\(\\$1\\)::", constant = "'" + value + "'";
				String parameter = mode.equals("force_generic_plan") ? any : mode.equals("auto") ? "(?:" + any + "|" + constant + ")" : constant;
				check(Pattern.compile(index + " [^\\n]*\\n *Index Cond: [^\\n]*" + parameter).matcher(plan).find(), name + ": by an index", plan);
				for (String table : tables)
					check(!Pattern.compile("Seq Scan on " + table + "\\b").matcher(plan).find(), name + ": " + table + " is not read whole", plan);
			}
		}
	}

	static void paging() throws SQLException {
		try (Connection c = connect("clients_boss")) {
			c.setAutoCommit(false);
			try (PreparedStatement s = c.prepareStatement("SELECT h.id, h.grid FROM household h ORDER BY h.id")) {
				s.setFetchSize(100);
				ResultSet r = s.executeQuery();
				Set<String> seen = new HashSet<>();
				String last = "";
				boolean ascending = true;
				while (r.next()) {
					String id = r.getObject(1, UUID.class).toString();
					ascending &= last.compareTo(id) < 0;
					last = id;
					seen.add(id);
				}
				is(seen.size(), 5004, "paging by fetchSize: every row, once");
				check(ascending, "in order", last);
			}
			try (PreparedStatement s = c.prepareStatement("SELECT pg_backend_pid(), n FROM generate_series(1, 100000) n")) {
				s.setFetchSize(10);
				ResultSet r = s.executeQuery();
				r.next();
				// a result that has come whole leaves nothing open on the server
				try (Connection other = connect("clients_boss");
						ResultSet state = other.createStatement().executeQuery("SELECT state FROM pg_stat_activity WHERE pid = " + r.getInt(1))) {
					state.next();
					is(state.getString(1), "idle in transaction", "pages are fetched in a transaction");
				}
				int n = 1;
				while (r.next()) n++;
				is(n, 100000, "page after page");
			}
			c.rollback();
		}
	}

	/** Values as Java has them. */
	static void values() throws SQLException {
		try (Connection c = connect("clients_bi"); Statement s = c.createStatement()) {
			ResultSet r = s.executeQuery("SELECT code, name, households, on_time_percent, mean_hours_to_close, street_name FROM figures WHERE level = 'street' AND code = '" + STREET + "'");
			check(r.next(), "figures of a street", null);
			is(r.getObject(3), 500L, "bigint is a Long");
			check(r.getObject(4) instanceof BigDecimal, "numeric is a BigDecimal", r.getObject(4));
			is(r.getString(6), "第3街道", "Chinese text");
			r = s.executeQuery("SELECT on_time_percent FROM events_monthly WHERE code = '" + STREET + "' AND kind = 'visit' AND month = '2023-02-01'");
			check(r.next() && r.getBigDecimal(1) == null && r.wasNull(), "a rate of nothing is NULL", null);
			r = s.executeQuery("SELECT min(month), max(month) FROM visit_coverage WHERE code = '" + STREET + "'");
			r.next();
			is(r.getObject(1, LocalDate.class), LocalDate.of(2023, 9, 1), "a date is that day in any time zone");
			is(r.getObject(2, LocalDate.class), LocalDate.of(2023, 11, 1), "also the last");
			r = s.executeQuery("SELECT refreshed_at, lag_seconds FROM freshness");
			int n = 0;
			while (r.next() && r.getObject(1, OffsetDateTime.class) != null && r.getBigDecimal(2) != null) n++;
			is(n, 4, "freshness, with times");
			r = s.executeQuery("SELECT name FROM areas WHERE code IN ('350304001001001', '350304001001002') ORDER BY code");
			r.next();
			is(r.getString(1), "\uD842\uDFB7祥里", "a character of four bytes");
			r.next();
			is(r.getString(1), "\"甲\"的'乙'\\丙?", "quotes, a backslash and a question mark");
		}
		try (Connection c = connect("clients_bi"); PreparedStatement s = c.prepareStatement("SELECT code FROM areas WHERE name = ? AND street_code = ?")) {
			s.setString(1, "\uD842\uDFB7祥里");
			s.setString(2, STREET);
			is(list(s.executeQuery(), "code").size(), 10, "the same as parameters");
		}
	}

	/** A form of the officer's: an event is reported, and one that is not his is refused in the server's words. */
	static void report() throws SQLException {
		try (Connection c = connect("clients_zhang")) {
			c.setAutoCommit(false);
			try (PreparedStatement s = c.prepareStatement("SELECT event_report(kind => ?, grid => ?)")) {
				s.setString(1, "fire");
				s.setString(2, GRID);
				ResultSet r = s.executeQuery();
				check(r.next() && r.getLong(1) > 0, "event_report gives a number", null);
				c.rollback();
				s.setString(2, "350304001001001");
				try {
					s.executeQuery();
					check(false, "an event elsewhere is refused", "reported");
				} catch (SQLException e) {
					is(e.getSQLState(), "42501", "an event elsewhere is refused");
					check(e.getMessage().contains("scope"), "in words", e.getMessage());
				}
				c.rollback();
			}
		}
	}

	public static void main(String[] arguments) throws Exception {
		server = arguments[0];
		metadata("clients_bi");
		metadata("clients_zhang");

		// a string is sent as varchar, and a column of gridcode takes it without a cast
		prepared("clients_zhang", "SELECT * FROM household WHERE gridcode <@ ?", STREET, 5, "household_gridcode_idx", "household");
		prepared("clients_boss", "SELECT * FROM household WHERE gridcode <@ ?", STREET, 500, "household_gridcode_idx", "household");
		prepared("clients_boss", "SELECT * FROM household WHERE gridcode = ?", GRID, 5, "household_gridcode_idx", "household");
		prepared("clients_boss", "SELECT * FROM household WHERE grid = ?", GRID, 5, "household_grid_idx", "household");
		prepared("clients_boss", "SELECT * FROM events WHERE code = ?", GRID, 6, "event_grid_idx", "event");
		prepared("clients_bi", "SELECT * FROM figures WHERE street_code = ?", STREET, 11, "area_street_idx",
			"event_total", "event_daily", "household_total", "area a", "area x", "assignment");
		prepared("clients_bi", "SELECT * FROM events_monthly WHERE community_code = ?", STREET + "004", 12 * 8, "area_community_idx", "event_daily", "area a");
		prepared("clients_bi", "SELECT * FROM visit_coverage WHERE community_code = ?", STREET + "004", 3, "area_community_idx", "visit", "area a");
		prepared("clients_bi", "SELECT * FROM areas WHERE code = ?", GRID, 1, "(?:area_pkey|area_code_kind_key)", "boundary", "area a");

		paging();
		values();
		report();
		System.out.println("done");
	}
}
