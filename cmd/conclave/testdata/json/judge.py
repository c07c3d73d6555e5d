"""Judges the answers of commands, as texts on standard input, by the schema that is the
argument: each is one JSON object, and what the definition of its command says."""
import json
import sys
from jsonschema import Draft202012Validator

with open(sys.argv[1]) as file:
    schema = json.load(file)
Draft202012Validator.check_schema(schema)
wrong = 0
for name, texts in json.load(sys.stdin).items():
    if name not in schema["$defs"]:
        print(name + ": there is no definition")
        wrong += 1
        continue
    judge = Draft202012Validator({**schema, "$ref": "#/$defs/" + name}, format_checker=Draft202012Validator.FORMAT_CHECKER)
    for text in texts:
        for error in judge.iter_errors(json.loads(text)):
            print(name + ":", error.json_path, error.message, "\n", text)
            wrong += 1
sys.exit(wrong > 0)
