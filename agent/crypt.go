//go:build linux

package agent

import (
	"conclave/token"
	"conclave/token/cryptoki"
)

// stage is how far an operation goes with a request.
type stage uint64

// The stages.
const (
	stageBegin  stage = 0
	stageSingle stage = 1
	stageUpdate stage = 2
	stageFinal  stage = 3
	stageCancel stage = 4
)

// cryptRequest is what CRYPT asks for. Data and signature are part of the request.
type cryptRequest struct {
	operation       token.Operation
	stage           stage
	begins          bool
	mechanism       cryptoki.Mechanism // with a beginning
	key             cryptoki.Handle
	data, signature []byte
}

func (r *reader) crypt() (q cryptRequest, err error) {
	q.operation, q.stage = token.Operation(r.number()), stage(r.number())
	switch r.number() {
	case 0:
	case 1:
		q.begins, q.mechanism, q.key = true, r.mechanism(), r.handle()
	default:
		r.failed = true
	}
	q.data, q.signature = r.string(), r.string()
	known := token.Encrypt <= q.operation && q.operation <= token.VerifyRecover && q.stage <= stageCancel
	pointless := q.stage == stageBegin && !q.begins || q.stage == stageCancel && q.begins
	if !known || pointless {
		return q, errMalformed
	}
	return q, r.done()
}

// crypt answers with an output in any case.
func (x *exchange) crypt() error {
	q, err := x.in.crypt()
	if err != nil {
		return err
	}
	output, err := q.carryOut(x.session)
	x.out.string(output)
	return err
}

func (q *cryptRequest) carryOut(s *token.Session) ([]byte, error) {
	if q.begins {
		if err := s.Begin(q.operation, q.mechanism, q.key); err != nil {
			return nil, err
		}
	}
	switch q.stage {
	case stageSingle:
		return s.Single(q.operation, q.data, q.signature)
	case stageUpdate:
		return s.Update(q.operation, q.data)
	case stageFinal:
		return s.Final(q.operation, q.signature)
	case stageCancel:
		s.Cancel(q.operation)
	}
	return nil, nil
}
