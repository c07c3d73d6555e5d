package report

import (
	"fmt"

	"conclave/ceremony/transcript"
)

// exceptions are all that was not as planned.
func (r record) exceptions() section {
	if len(r.Exceptions) == 0 {
		return section{Title: "Exceptions", Note: "None."}
	}
	s := section{Title: "Exceptions", Note: "What was not as planned, as it was written down when it happened.", Table: entryTable("No.")}
	for i, e := range r.Exceptions {
		s.Table.Rows = append(s.Table.Rows, entryRow(fmt.Sprint(i+1), e))
	}
	return s
}

// interruptions are where a step had to be taken again, and where the ceremony stood
// still.
func (r record) interruptions() section {
	s := section{Title: "Interruptions", Note: "Where a step was not done and taken again, and where the ceremony stood still.", Table: entryTable("What")}
	for _, e := range r.Entries {
		switch e.Kind {
		case transcript.Failed, transcript.Stopped, transcript.Resumed:
			s.Table.Rows = append(s.Table.Rows, entryRow(string(e.Kind), e))
		}
	}
	if len(s.Table.Rows) == 0 {
		return section{Title: "Interruptions", Note: "None."}
	}
	return s
}

func entryTable(first string) *table {
	return &table{Titles: []string{first, "Entry", "Time (UTC)", "Step", "By", "In their words"}, Widths: []int{10, 7, 21, 16, 14, 32}}
}

func entryRow(first string, e transcript.Entry) []string {
	by := e.By
	if by == "" {
		by = "the program"
	}
	return []string{first, fmt.Sprint(e.Index), clock(e.Time), e.Step, by, e.Text}
}

// signatures are those that are attached, and lines for those on paper.
func (r record) signatures() section {
	s := section{Title: "Signatures", OnNewPage: true, Note: "Who signs here has compared the words of the ceremony key and of the closing with the paper of the ceremony.",
		Table: &table{Titles: []string{"Name", "Role", "Date", "Signature"}, Widths: []int{32, 24, 14, 30}, Blank: true}}
	for _, a := range r.Attached {
		s.List = append(s.List, a.File+": "+a.Says)
	}
	for _, p := range r.people() {
		s.Table.Rows = append(s.Table.Rows, []string{p.Name, p.Role, "", ""})
	}
	s.Table.Rows = append(s.Table.Rows, []string{"", "Auditor", "", ""}, []string{"", "Auditor", "", ""})
	return s
}
