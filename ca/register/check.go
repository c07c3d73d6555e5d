package register

import (
	"bytes"
	"context"
	"database/sql"
	"slices"

	"conclave/internal/sqlitefile"
)

// check refuses a file that is not a register, one that this version cannot
// work with, and one that is not as this package left it, and gives its format. It
// changes nothing. What is in the schema comes first: the check of integrity
// carries out expressions in it.
func (r *Register) check(ctx context.Context, tx *sql.Tx) (version int64, err error) {
	if err := r.identify(ctx, tx); err != nil {
		return 0, err
	}
	if version, err = pragma(ctx, tx, "user_version"); err != nil {
		return 0, err
	}
	of := tablesOf(version)
	for _, step := range []func(context.Context, *sql.Tx, []table) error{checkSchema, checkIntegrity, checkSums} {
		if err := step(ctx, tx, of); err != nil {
			return 0, err
		}
	}
	return version, nil
}

func (r *Register) identify(ctx context.Context, tx *sql.Tx) error {
	return fileKind.Identify(r.path, func(name string) (int64, error) { return pragma(ctx, tx, name) })
}

func checkIntegrity(ctx context.Context, tx *sql.Tx, _ []table) error {
	var verdict string
	err := tx.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict)
	if err == nil && verdict != "ok" {
		err = sqlitefile.Damaged("integrity_check says %q", verdict)
	}
	return err
}

// checkSchema sees to it that the triggers are there, and nothing else is.
func checkSchema(ctx context.Context, tx *sql.Tx, of []table) error {
	rows, err := tx.QueryContext(ctx, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")
	if err != nil {
		return err
	}
	defer rows.Close()
	var got []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		got = append(got, text)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	want := schema(of)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return sqlitefile.Damaged("its tables and triggers are not those of a register")
	}
	return nil
}

func checkSums(ctx context.Context, tx *sql.Tx, of []table) error {
	for _, t := range of {
		if err := checkTableSums(ctx, tx, t.name); err != nil {
			return err
		}
	}
	return nil
}

func checkTableSums(ctx context.Context, tx *sql.Tx, table string) error {
	rows, err := tx.QueryContext(ctx, "SELECT * FROM "+table)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	var id int64
	var sum []byte
	values, into := make([]any, len(names)-2), []any{&id, &sum}
	for i := range values {
		into = append(into, &values[i])
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if !bytes.Equal(sum, rowSum(table, id, values)) {
			return sqlitefile.Damaged("row %d of table %s does not have its SHA-256 sum", id, table)
		}
	}
	return rows.Err()
}
