package step

import (
	"fmt"
	"strconv"
	"strings"
)

// The facts of a step that is done, of an entry that begins or resumes a
// ceremony, and of notes and exceptions. The tag has the name under which a
// transcript has a fact, and what may be said of it:
//
//	NAME*       as many as there are; the rest of the name is the key
//	optional    it may be missing
//	since N     transcripts of earlier schemas do not have it
//	own words   what people or devices say; nothing else in the evidence tells it
//
// All others are compared: with a file, with the plan or with another fact.

// Schema is the version of the facts that are written; it is a fact of the
// opening. Transcripts without it are of version 1.
const Schema = 3

// Sum is a SHA-256 in lower-case hexadecimal.
type Sum string

// Opened are the facts of the entry that opens a transcript.
type Opened struct {
	Plan    Sum    `fact:"plan sha256"`
	Key     Sum    `fact:"ceremony key sha256"`
	Program Sum    `fact:"program sha256"`
	Version string `fact:"program version"`
	Schema  int    `fact:"schema" since:"2"`
}

// Resumed are the facts of the entry with which a ceremony goes on.
type Resumed struct {
	Program Sum    `fact:"program sha256"`
	Version string `fact:"program version"`
}

// OpenFacts are those of Open.
type OpenFacts struct {
	Key    Sum            `fact:"ceremony key sha256"`
	Watch  string         `fact:"time by the watch" own:"words"`
	Clock  string         `fact:"computer's clock" since:"3"` // when the watch was read, in its zone: RFC 3339
	Ahead  int            `fact:"watch ahead" since:"3"`      // of the clock, in seconds
	Inputs map[string]Sum `fact:"input *"`                    // by path relative to the plan
	// KeyFiles are those of keys that are imported, by path relative to the plan.
	KeyFiles map[string]Sum `fact:"key file *"`
}

// RollCallFacts are those of RollCall.
type RollCallFacts struct {
	Present map[string]string `fact:"present: *"` // by name: Here, or StandsIn
}

// Here is said of who is here.
const Here = "yes"

// StandsIn is said of who is absent.
func StandsIn(deputy string) string { return absent + deputy + standsIn }

// Deputy is who stands in for someone, by what is said of them; empty where no
// one does.
func Deputy(present string) string {
	deputy, ok := strings.CutPrefix(present, absent)
	if !ok || !strings.HasSuffix(deputy, standsIn) {
		return ""
	}
	deputy = strings.TrimSuffix(deputy, standsIn)
	if IsNoOne(deputy) {
		return ""
	}
	return deputy
}

// IsNoOne says whether the answer to who stands in names no one.
func IsNoOne(deputy string) bool {
	words := strings.Join(strings.Fields(deputy), " ")
	return words == "" || strings.EqualFold(words, "no one")
}

// Absent is the exception that says so.
func Absent(name, deputy string) string {
	if deputy == "" {
		return name + " is absent; "
	}
	return name + " is absent; " + deputy + standsIn
}

// SaysAbsent says whether an exception is one that says who stands in for someone.
func SaysAbsent(exception, name string) bool {
	return strings.HasPrefix(exception, Absent(name, "")) && strings.HasSuffix(exception, standsIn)
}

const absent, standsIn = "no; ", " stands in"

// PrepareFacts are those of Prepare.
type PrepareFacts struct {
	Serial       string `fact:"device serial"`
	Certificates Sum    `fact:"device certificates sha256"`
	Proof        Sum    `fact:"device proof sha256" optional:"it is asked of devices of the custody"`
	Version      string `fact:"device version" since:"3" own:"words"` // if the plan has no firmware
	// PINs says how each PIN of the device is kept, TypedBy who has typed it, by its
	// name; never what it is.
	PINs    map[string]string `fact:"pin kept: *" since:"3"`
	TypedBy map[string]string `fact:"pin typed by: *" since:"3"`
}

// ShareFacts are those of Share.
type ShareFacts struct {
	Set       string `fact:"set"`
	KCV       string `fact:"key check value"`
	ShareFile Sum    `fact:"share file sha256"`
	Proof     string `fact:"proof"` // as quorum.Proof says it
	// Custodians are those whose sheets have opened the share file of before, and Wrapped
	// the keys as they are wrapped under a new DKEK.
	Custodians string         `fact:"custodians before" optional:"a change of custody has them" since:"3"`
	Wrapped    map[string]Sum `fact:"wrapped key sha256 *" since:"3"`
}

// ImportFacts are those of Import.
type ImportFacts struct {
	KCV        string `fact:"key check value"`
	Custodians string `fact:"custodians"` // numbers, as they came
}

// SealPINFacts are those of SealPIN.
type SealPINFacts struct {
	Sealed     Sum    `fact:"sealed so pin sha256" since:"3"`
	KCV        string `fact:"key check value" since:"3"`
	Custodians string `fact:"custodians" since:"3"`
}

// GenerateFacts are those of Generate.
type GenerateFacts struct {
	Reference   int    `fact:"key reference"` // in the device
	Public      Sum    `fact:"public key sha256"`
	Attestation Sum    `fact:"attestation sha256"` // of an imported key, of the request that it has signed itself
	KeyFile     Sum    `fact:"key file sha256" optional:"an imported key has one"`
	Custodians  string `fact:"custodians" optional:"an imported key comes under the DKEK that they give"`
}

// BackupFacts are those of Backup.
type BackupFacts struct {
	Wrapped   Sum    `fact:"wrapped key sha256"`
	KCV       string `fact:"key check value"`
	Reference int    `fact:"key reference" since:"2"`
}

// RestoreFacts are those of Restore.
type RestoreFacts struct {
	KCV      string         `fact:"key check value"`
	Restored map[string]Sum `fact:"restored: *"`                    // public keys, by name
	Wrapped  map[string]Sum `fact:"wrapped key sha256 *" since:"2"` // the file that each was read from
}

// CertifyFacts are those of Certify.
type CertifyFacts struct {
	Serial      string `fact:"serial number"` // hexadecimal
	Certificate Sum    `fact:"certificate sha256"`
}

// SignCRLFacts are those of SignCRL.
type SignCRLFacts struct {
	Number int `fact:"crl number"`
	CRL    Sum `fact:"crl sha256"`
}

// NoFacts are those of Erase, and of entries that have none.
type NoFacts struct{}

// CopyFacts are those of Copy.
type CopyFacts struct {
	Copies int `fact:"copies"`
	// Media says, by number, what each medium is: a file system's UUID, or a device, or
	// UnknownMedium.
	Media map[string]string `fact:"medium *" since:"3"`
}

// UnknownMedium is said of a medium where the system does not tell what it is.
const UnknownMedium = "unknown"

// MinCopies is how many copies of the backup a plan wants that does not say more.
const MinCopies = 2

// TooFewCopies begins that exception, where so many were wanted.
func TooFewCopies(copies, wanted int) string {
	fewer := strconv.Itoa(wanted)
	if wanted == MinCopies {
		fewer = "two"
	}
	return fmt.Sprintf("copies of the backup: %d; fewer than %s", copies, fewer)
}

// SealFacts are those of Seal.
type SealFacts struct {
	Bags map[string]string `fact:"bag: *" own:"words"` // numbers, by thing
}

// CloseFacts are those of Close.
type CloseFacts struct {
	Watch      string         `fact:"time by the watch" own:"words" since:"3"`
	Clock      string         `fact:"computer's clock" since:"3"`
	Ahead      int            `fact:"watch ahead" since:"3"`
	Schema     int            `fact:"schema" since:"2"` // as in the opening
	Exceptions int            `fact:"exceptions"`
	Files      map[string]Sum `fact:"file *"` // of the bundle, by path
	// Recording is what there is of the whole ceremony: a file, the number of a tape, or
	// NoRecording; RecordingSum the SHA-256 of the file, or NoRecording.
	Recording    string `fact:"recording" since:"3" own:"words"`
	RecordingSum string `fact:"recording sha256" since:"3" own:"words"` // if the file is not in the bundle
}

// NoRecording stands in place of a recording, and of the hash of what is no file.
const NoRecording = "none"

// NotRecorded is the exception where a recording is planned, and there is none.
const NotRecorded = "there is no recording of the whole ceremony"

// LoneSheetFacts are those of LoneSheet.
type LoneSheetFacts struct {
	Sheet string            `fact:"sheet"` // SheetGood, SheetBad or SheetAbsent
	Bag   map[string]string `fact:"bag: *"`
}

// SheetIs is the exception for a sheet, or a medium, that is not good.
func SheetIs(thing, result string) string { return thing + " is " + result }

// OtherMedium is the exception for a medium that is good, and not the one that was
// written.
func OtherMedium(thing, identity string) string {
	return thing + " is another one than was written: " + identity
}

// InspectFacts are those of Inspect.
type InspectFacts struct {
	ShareFile Sum               `fact:"share file sha256"`
	Wrapped   map[string]Sum    `fact:"wrapped key sha256 *"`
	Sealed    map[string]Sum    `fact:"sealed so pin sha256 *" since:"3"` // by device
	Bag       map[string]string `fact:"bag: *"`
	// Media says, by number, the UUID of each medium that is good, or SheetGood where it
	// has none, SheetBad or SheetAbsent; of a plan that has the number of media.
	Media map[string]string `fact:"medium *" since:"3"`
}

// OpenBackupFacts are those of OpenBackup.
type OpenBackupFacts struct {
	KCV        string         `fact:"key check value"`
	Restored   map[string]Sum `fact:"restored: *"`
	Wrapped    map[string]Sum `fact:"wrapped key sha256 *" since:"2"`
	Custodians string         `fact:"custodians" since:"2"`
}

// CompareFacts are those of Compare.
type CompareFacts struct {
	Serial string            `fact:"device serial"`
	KCV    string            `fact:"key check value"` // or NotShown
	Bag    map[string]string `fact:"bag: *"`
}

// ChangePINFacts are those of ChangePIN. Which PINs they are, nobody writes down.
type ChangePINFacts struct {
	Serial string            `fact:"device serial" since:"3"`
	Bag    map[string]string `fact:"bag: *" since:"3"`
}

// RetireFacts are those of Retire.
type RetireFacts struct {
	Became string `fact:"the old device" own:"words" since:"3"`
}

// DecideFacts are those of Decide.
type DecideFacts struct {
	Happened string `fact:"what has happened" own:"words" since:"3"`
	By       string `fact:"decided by" since:"3"`
	Left     string `fact:"decided" own:"words" since:"3"`
	// ChangeBy is the day by which the keys must be changed, or NoChange.
	ChangeBy string `fact:"keys changed by" since:"3"`
}

// NoChange is said where keys need not be changed.
const NoChange = "not needed"

// UnshownFacts are those of a step of a drill, or of an emergency, that could not show
// what it was to show, and was closed all the same: it is an exception, and no dead end.
type UnshownFacts struct {
	Why string `fact:"not shown" own:"words" since:"3"`
}

// MayBeUnshown says whether a step with this action can be closed like that.
func (a Action) MayBeUnshown() bool { return a == Inspect || a == OpenBackup || a == Compare }

// IsUnshown says whether these are the facts of a step that was.
func IsUnshown(written map[string]string) bool {
	_, ok := written["not shown"]
	return ok
}

// NotShownBecause is the exception that says so.
func NotShownBecause(title, why string) string { return title + ": not shown: " + why }

// PINsFacts are those of PINs.
type PINsFacts struct {
	Bag map[string]string `fact:"bag: *" since:"3"`
}

// What is said of a sheet, or a medium, that agrees with the record, of one that does not, of
// one that was not here, of a bag that is not as it was, and of a key check value
// that a device does not tell without a PIN.
const (
	SheetGood   = "good"
	SheetBad    = "not good"
	SheetAbsent = "not here"
	BagChanged  = "not as it was"
	NotShown    = "not shown"
)

// NoteFacts are those that a note may have.
type NoteFacts struct {
	// Sheets is SheetsShown before the first sheet of a set is shown.
	Sheets string `fact:"sheets" optional:""`
	// Sign, Number (hexadecimal) and TBS say what is about to be signed.
	Sign   string `fact:"about to sign" optional:""` // a ca.Kind
	Number string `fact:"number" optional:""`
	TBS    Sum    `fact:"tbs sha256" optional:""`
	// Custodians are those who have opened the share file, before a device is
	// given the DKEK.
	Custodians string `fact:"custodians" optional:"" since:"2"`
	// Sealed is the file of an SO-PIN, before a device is given it.
	Sealed Sum `fact:"sealed so pin sha256" optional:"" since:"3"`
	// Medium is the number of a backup medium that was written.
	Medium int `fact:"medium" optional:"" since:"2"`
	// Identity is what that medium is, as in CopyFacts.
	Identity string `fact:"identity" optional:"" since:"3"`
	// Program and Present are of a sitting in which a ceremony goes on: the program whose
	// words were compared, and who is here, as in RollCallFacts.
	Program Sum               `fact:"program sha256" optional:"" since:"3"`
	Present map[string]string `fact:"present: *" since:"3"`
	// Entered and Left are who has come into the room, or gone.
	Entered string `fact:"entered" optional:"" since:"3"`
	Left    string `fact:"left" optional:"" since:"3"`
	// Bag is the number of a bag that is opened, by thing.
	Bag map[string]string `fact:"bag: *"`
}

// Moves says whether the note is about who came into the room, or went.
func (n NoteFacts) Moves() bool { return n.Entered != "" || n.Left != "" }

// What the texts of such notes end with, after the name.
const (
	EnteredRoom = " entered the room"
	LeftRoom    = " left the room"
)

// ExceptionFacts are those that an exception may have.
type ExceptionFacts struct {
	// Sheets is SheetsVoid.
	Sheets string `fact:"sheets" optional:""`
	// Clock is the time of the entry before this one, whose time is earlier: the
	// clock was put back.
	Clock string `fact:"clock was" optional:"" since:"2"`
	// Program and Version are of another program than before.
	Program Sum    `fact:"program sha256" optional:"" since:"2"`
	Version string `fact:"program version" optional:"" since:"2"`
	// TBS is of what was about to be signed when the ceremony was interrupted, and
	// may have been, or was not.
	TBS Sum `fact:"tbs sha256" optional:"" since:"2"`
	// Ahead is how far the watch is ahead of the clock, in seconds, where it is more
	// than may be.
	Ahead int `fact:"watch ahead" optional:"" since:"3"`
	// Medium and Identity are of a medium that was written although it is on a disk
	// that the backup is on already.
	Medium   int    `fact:"medium" optional:"" since:"3"`
	Identity string `fact:"identity" optional:"" since:"3"`
	// Bag has BagChanged, by thing.
	Bag map[string]string `fact:"bag: *"`
}

// What is said of sheets.
const (
	SheetsShown = "shown"
	SheetsVoid  = "void"
)
