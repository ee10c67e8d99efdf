module CellOS.Export.S3.Core.Tests.EventContextTests

open System
open System.Text
open System.Text.Json
open Expecto
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.ReceiptTests
open CellOS.Export.S3.Core.Tests.FailureReportTests
open CellOS.Export.S3.Core.Tests.CloudEventRules

let private at = DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero)

let private of' specId runId provenance =
    Expect.wantOk (EventContext.create specId runId provenance) "a context"

let private context = of' (Some "spec-7") (Some "run-42") (Some "events/3f2a")

let private within (name: string) (json: string) =
    JsonDocument.Parse(json).RootElement.GetProperty name

let private last (count: int) (object: JsonElement) = [
    for field in Seq.skip (object.GetPropertyCount() - count) (object.EnumerateObject()) ->
        field.Name, string (field.Value.GetString())
]

let private all = [ "specId", "spec-7"; "runId", "run-42"; "provenance", "events/3f2a" ]

let private contexts =
    gen {
        let optional values = Gen.optionOf (Gen.elements values)

        let! specId = optional [ "spec-7"; "cell 1" ]
        let! runId = optional [ "1"; String('~', EventContext.MaxRunId) ]

        let! provenance =
            optional [ "parent"; "ünïcode 𝄞"; String('x', EventContext.MaxProvenance) ]

        return of' specId runId provenance
    }

[<Tests>]
let tests =
    testList "Context of events" [
        testCase "is the end of the data of events and of the predicate of statements" (fun () ->
            let statement =
                Expect.wantOk (InTotoStatement.ofReceiptIn context full) "a statement"

            Expect.equal (last 3 (within "data" (CloudEvent.ofReceiptIn context full))) all "completed"
            Expect.equal (last 3 (within "data" (CloudEvent.ofFailureIn context at fullReport))) all "failed"
            Expect.equal (last 3 (within "predicate" statement)) all "stated")

        propertyTimes
            200
            "an event of any context keeps the rules, its id, and is read as the same receipt"
            (Gen.zip contexts Results.receipt)
            (fun (context, receipt) ->
                let event = CloudEvent.ofReceiptIn context receipt

                let statement =
                    InTotoStatement.ofReceiptIn context receipt |> Result.defaultValue ""

                Expect.isEmpty (problems event) "the rules"
                Expect.equal (string ((within "id" event).GetString())) (CloudEvent.idOf receipt) "the id"

                let read (line: string) =
                    ReceiptForms.tryParse (ReadOnlyMemory(Encoding.UTF8.GetBytes line))

                let known = read (CloudEvent.ofReceipt receipt)
                Expect.isSome known "a receipt"

                for line in [ event; statement ] do
                    Expect.equal (read line) known line)

        testCase "failures of two runs have two ids" (fun () ->
            let id context =
                string ((within "id" (CloudEvent.ofFailureIn context at fullReport)).GetString())

            Expect.notEqual (id context) (id EventContext.none) "with and without"

            Expect.notEqual
                (id context)
                (id (of' (Some "spec-7") (Some "run-43") (Some "events/3f2a")))
                "of two runs")

        for name, specId, runId, provenance, said in
            [
                "an empty spec id", Some "", None, None, "The cell id is empty"
                "a spec id with a slash", Some "a/b", None, None, "The cell id"
                "an empty run id", None, Some "", None, "The run id '' is not valid"
                "a run id with a blank", None, Some "a b", None, "The run id 'a b' is not valid"
                "a run id that is too long", None, Some(String('x', 129)), None, "The run id"
                "a run id that is not ASCII", None, Some "rün", None, "The run id"
                "a run id that is a URL",
                None,
                Some "https://h/p?X-Amz-Signature=1234567890",
                None,
                "The run id"
                "an empty provenance", None, None, Some " ", "The provenance is empty"
                "a provenance of two lines",
                None,
                None,
                Some "a\nb",
                "The provenance holds the control character"
                "a provenance that is too long", None, None, Some(String('ü', 513)), "longer than 1024 bytes"
                "a provenance with a credential",
                None,
                None,
                Some "https://h/p?X-Amz-Signature=1234567890",
                "credential"
            ] do
            testCase $"is refused with {name}" (fun () ->
                let refusal =
                    Expect.wantError (EventContext.create specId runId provenance) "refused"

                Expect.stringContains refusal.Message said "why"
                Expect.isFalse (refusal.Message.Contains "1234567890") "no secret")
    ]
