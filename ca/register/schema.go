package register

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"conclave/internal/sqlitefile"
)

// fileKind is that of registers. A connection waits ten seconds for a lock, and its
// transactions lock at their beginning.
//
// A commit is the removal of the journal. EXTRA syncs the directory after it:
// otherwise a power cut can bring the journal back, which undoes the commit
// (https://www.sqlite.org/pragma.html#pragma_synchronous).
var fileKind = sqlitefile.Kind{
	Name:          "register",
	ApplicationID: 0x43526567, // "CReg"
	Version:       2,
	Schema:        strings.Join(schema(tables[:]), ";\n"),
	Options:       "_busy_timeout=10000&_txlock=immediate&_synchronous=EXTRA",
	Full:          errors.New("the disk or the quota is full; make room and try again"),
	MaxSize:       MaxFile,
}

// table is a table of the file. Each has the columns id and sum before its own.
type table struct {
	name, columns string
	refused       string // the condition under which a row NEW is not taken
}

// tables are those of the file. Only rows are added to them: an intent that has
// none in issued and settled is unfinished, and of an issuer the last row holds.
//
// The conditions repeat what the columns say about uniqueness, because an
// INSERT OR REPLACE would delete what is in its way and call no trigger.
var tables = [...]table{
	{"intent", `kind TEXT NOT NULL CHECK (kind IN ('certificate', 'renewal', 'crl')),
	issuer BLOB NOT NULL,
	number BLOB NOT NULL CHECK (length(number) > 0),
	subject TEXT NOT NULL,
	tbs BLOB NOT NULL CHECK (length(tbs) = 32),
	time TEXT NOT NULL,
	UNIQUE (issuer, kind, number)`,
		`EXISTS (SELECT 1 FROM intent WHERE id = NEW.id OR issuer = NEW.issuer AND kind = NEW.kind AND number = NEW.number)`},
	{"issued", `intent INTEGER NOT NULL UNIQUE REFERENCES intent,
	der BLOB NOT NULL`,
		`EXISTS (SELECT 1 FROM issued WHERE id = NEW.id OR intent = NEW.intent)
	OR NOT EXISTS (SELECT 1 FROM intent WHERE id = NEW.intent)`},
	{"settled", `intent INTEGER NOT NULL UNIQUE REFERENCES intent,
	note TEXT NOT NULL CHECK (note <> '')`,
		`EXISTS (SELECT 1 FROM settled WHERE id = NEW.id OR intent = NEW.intent)
	OR EXISTS (SELECT 1 FROM issued WHERE intent = NEW.intent)
	OR NOT EXISTS (SELECT 1 FROM intent WHERE id = NEW.intent)`},
	{"revocation", `intent INTEGER NOT NULL REFERENCES intent,
	time TEXT NOT NULL,
	reason INTEGER NOT NULL CHECK (reason BETWEEN 0 AND 10 AND reason <> 7)`,
		`EXISTS (SELECT 1 FROM revocation WHERE id = NEW.id)
	OR NOT EXISTS (SELECT 1 FROM intent WHERE id = NEW.intent AND kind = 'certificate')`},
	{"issuer", `name BLOB NOT NULL,
	profile TEXT NOT NULL,
	crls_unknown INTEGER NOT NULL CHECK (crls_unknown IN (0, 1))`,
		`EXISTS (SELECT 1 FROM issuer WHERE id = NEW.id)`},
}

// tablesOf are those of a format: format 1 had none for issuers, and knew no renewals.
func tablesOf(version int64) []table {
	if version != 1 {
		return tables[:]
	}
	of := slices.Clone(tables[:len(tables)-1])
	of[0].columns = strings.Replace(of[0].columns, "'renewal', ", "", 1)
	return of
}

// schema is the table with its triggers, as SQLite keeps their text.
func (t table) schema() []string {
	return []string{
		fmt.Sprintf("CREATE TABLE %s (\n\tid INTEGER PRIMARY KEY,\n\tsum BLOB NOT NULL,\n\t%s\n) STRICT", t.name, t.columns),
		fmt.Sprintf("CREATE TRIGGER %s_delete BEFORE DELETE ON %[1]s BEGIN\n\tSELECT RAISE(ABORT, 'nothing is deleted from a register');\nEND", t.name),
		fmt.Sprintf("CREATE TRIGGER %s_update BEFORE UPDATE ON %[1]s BEGIN\n\tSELECT RAISE(ABORT, 'nothing is changed in a register');\nEND", t.name),
		fmt.Sprintf("CREATE TRIGGER %s_insert BEFORE INSERT ON %[1]s WHEN %s BEGIN\n\tSELECT RAISE(ABORT, 'the register has that, or lacks what it belongs to');\nEND", t.name, t.refused),
	}
}

func schema(of []table) (all []string) {
	for _, t := range of {
		all = append(all, t.schema()...)
	}
	return all
}

// leaveFormat1 brings a file of format 1 to the present one: it gets the tables that
// it lacks, and may have the kinds that there are now
// (https://www.sqlite.org/lang_altertable.html section 7 has this way to change a
// CHECK). All that was in it stays, byte for byte; so no copy is kept, by which numbers
// would one day be used twice.
func leaveFormat1(ctx context.Context, tx *sql.Tx) error {
	version, err := pragma(ctx, tx, "user_version")
	if err != nil || version != 1 { // another process was first
		return err
	}
	statements := append(schema(tables[len(tablesOf(1)):]), "PRAGMA writable_schema = ON",
		fmt.Sprintf("UPDATE sqlite_schema SET sql = '%s' WHERE name = 'intent'", strings.ReplaceAll(tables[0].schema()[0], "'", "''")),
		"PRAGMA writable_schema = RESET", fmt.Sprintf("PRAGMA user_version = %d", fileKind.Version))
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("it has format 1, and must be brought to format %d before it is used: %w", fileKind.Version, err)
		}
	}
	return nil
}

func pragma(ctx context.Context, tx *sql.Tx, name string) (n int64, err error) {
	err = tx.QueryRowContext(ctx, "PRAGMA "+name).Scan(&n)
	return n, err
}

// insert adds a row to a table, with its sum, and returns its id. The values
// are int64, string or []byte.
func insert(ctx context.Context, tx *sql.Tx, table string, values ...any) (id int64, err error) {
	if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(id), 0) + 1 FROM "+table).Scan(&id); err != nil {
		return 0, err
	}
	row := append([]any{id, rowSum(table, id, values)}, values...)
	_, err = tx.ExecContext(ctx, "INSERT INTO "+table+" VALUES (?"+strings.Repeat(", ?", len(row)-1)+")", row...)
	return id, err
}

// rowSum is the column sum of a row: SHA-256 of the table's name, the id and
// the table's own columns, the latter two as SQLite's hex() prints them, with
// spaces between. It reveals a damaged disk, which SQLite's own check does not
// see inside a value, and rows that were written by hand.
func rowSum(table string, id int64, values []any) []byte {
	h := sha256.New()
	fmt.Fprintf(h, "%s %X", table, strconv.FormatInt(id, 10))
	for _, value := range values {
		if n, ok := value.(int64); ok {
			value = strconv.FormatInt(n, 10)
		}
		fmt.Fprintf(h, " %X", value)
	}
	return h.Sum(nil)
}
