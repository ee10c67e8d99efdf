module CellOS.Export.S3.Core.Tests.SealStatementTests

open System
open System.Text
open System.Text.Json
open System.Text.Json.Nodes
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.ReceiptTests
open CellOS.Export.S3.Core.Tests.FailureReportTests

/// The statement of a run that stored one artifact, and failed to store another one.
let statement = {
    RunId = "run-1"
    CellId = "c"
    TargetName = "artifact-bucket"
    Sequence = 2L
    Previous = Some(String('d', 64))
    StartedAt = noon
    FinishedAt = noon.AddSeconds 2.
    Outcome = SealOutcome.Interrupted
    Planned = 5L
    Skipped = 1L
    Receipts = [ bare ]
    Failures = [ fullReport ]
    ToolVersion = "0.1.0+abc"
}

/// A statement that does not contradict itself, of at most this number of results.
let statements most =
    gen {
        let! receipts =
            Gen.choose (0, most)
            |> Gen.bind (fun count -> Gen.listOfLength count Results.receipt)

        let! failures =
            Gen.choose (0, most)
            |> Gen.bind (fun count -> Gen.listOfLength count Results.report)

        let! skipped = Gen.choose (0, 3)
        let! isCompleted = Gen.elements [ true; false ]
        let! missing = if isCompleted then Gen.constant 0 else Gen.choose (0, 3)
        let! sequence = Gen.elements [ 1L; 2L; 1_000_000L; Int64.MaxValue ]

        return {
            statement with
                Sequence = sequence
                Previous = if sequence = 1L then None else statement.Previous
                Outcome = if isCompleted then SealOutcome.Completed else SealOutcome.Interrupted
                Planned = int64 (receipts.Length + failures.Length + skipped + missing)
                Skipped = int64 skipped
                Receipts = receipts
                Failures = failures
        }
    }

/// The payload of a statement that does not contradict itself.
let payload (statement: SealStatement) : byte[] =
    match SealStatement.toPayload statement with
    | Ok bytes -> bytes
    | Error refusal -> failtest refusal.Message

let private textOf (statement: SealStatement) =
    Encoding.UTF8.GetString(payload statement)

let private parse (json: string) =
    SealStatement.parse (ReadOnlyMemory(Encoding.UTF8.GetBytes json))

/// The statement as it is after it was written once: times to the millisecond, failures redacted.
let private settled (statement: SealStatement) =
    match parse (textOf statement) with
    | Ok read -> read
    | Error refusal -> failtest refusal.Message

let private names (element: JsonElement) = [ for property in element.EnumerateObject() -> property.Name ]

/// The payload with one value changed, by the path of its field; null takes the field out.
let private changed (path: string) (value: string | null) =
    let root = nonNull (JsonNode.Parse(textOf statement))
    let steps = path.Split '/'

    let holder =
        (root, Array.truncate (steps.Length - 1) steps)
        ||> Array.fold (fun node step ->
            match Int32.TryParse step with
            | true, index -> nonNull node[index]
            | _ -> nonNull node[step])

    match value with
    | null -> holder.AsObject().Remove(Array.last steps) |> ignore
    | value ->
        match Int32.TryParse(Array.last steps) with
        | true, index -> holder[index] <- JsonNode.Parse value
        | _ -> holder[Array.last steps] <- JsonNode.Parse value

    root.ToJsonString()

[<Tests>]
let tests =
    testList "SealStatement" [
        testCase "is this text" (fun () ->
            Expect.equal
                (textOf statement)
                ($$$"""{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"c/a","digest":{"sha256":"{{{full.Sha256}}}"}}],"predicateType":"https://cellos.dev/attestations/export-run/v1","predicate":{"runId":"run-1","cellId":"c","target":"artifact-bucket","sequence":2,"previous":"{{{String('d', 64)}}}","startedAt":"2026-03-01T12:00:00.000Z","finishedAt":"2026-03-01T12:00:02.000Z","outcome":"interrupted","toolVersion":"0.1.0+abc","counts":{"planned":5,"stored":1,"failed":1,"skipped":1},"receipts":[{{{Receipt.toJson bare}}}],"failures":[{{{FailureReport.toJson fullReport}}}]}}""")
                "to the letter")

        testCase "states null where no line is before it" (fun () ->
            let text =
                textOf {
                    statement with
                        Sequence = 1L
                        Previous = None
                }

            Expect.stringContains text "\"sequence\":1,\"previous\":null," "the first line")

        table
            "names a subject by the key of the object"
            [
                "s3://bucket/prefix/cell/logs/a b.txt", "prefix/cell/logs/a b.txt"
                "s3://bucket/", ""
                "s3://bucket", "s3://bucket"
                "/var/evidence/a", "/var/evidence/a"
                "https://h/a", "https://h/a"
                "", ""
            ]
            (fun (destination, _) -> SealStatement.subjectName { bare with Destination = destination })
            snd

        propertyTimes
            500
            "gives back what was written, times to the millisecond"
            (statements 3)
            (fun statement ->
                let read = settled statement

                let expected = {
                    statement with
                        Receipts =
                            statement.Receipts
                            |> List.map (fun receipt -> {
                                receipt with
                                    StartedAt = toMilliseconds receipt.StartedAt
                                    CompletedAt = toMilliseconds receipt.CompletedAt
                            })
                        // Their texts may have been redacted.
                        Failures = read.Failures
                }

                Expect.equal read expected "the values"

                Expect.equal
                    (read.Failures
                     |> List.map (fun failure -> failure.CellId, failure.ArtifactName, failure.Kind))
                    (statement.Failures
                     |> List.map (fun failure -> failure.CellId, failure.ArtifactName, failure.Kind))
                    "the failures")

        propertyTimes 500 "writes what it read, byte for byte" (statements 3) (fun statement ->
            Expect.equal (textOf (settled statement)) (textOf statement) "the same bytes")

        propertyTimes 300 "rejects any other bytes without an exception" anyText (fun text ->
            match parse text with
            | Ok other -> failtest $"a statement where none was expected: %A{other}"
            | Error refusal -> Expect.equal refusal.Subject "statement of a run" "a refusal")

        propertyTimes
            1000
            "reads a damaged statement, or rejects it without an exception"
            (gen {
                let! text = statements 2 |> Gen.map textOf
                let! at = Gen.choose (0, text.Length - 1)
                let! length = Gen.choose (0, text.Length - at)

                let! other =
                    Gen.oneof [ Gen.constant ""; Gen.constant (text.Substring(at, length)); anyText ]

                return text.Substring(0, at) + other + text.Substring(at + length)
            })
            (fun text ->
                match parse text with
                | Ok statement ->
                    Expect.isOk (SealStatement.toPayload statement) "does not contradict itself"
                | Error _ -> ())

        testCase "ignores fields that it does not know" (fun () ->
            for path in
                [
                    "later"
                    "subject/0/later"
                    "predicate/later"
                    "predicate/counts/later"
                    "predicate/receipts/0/later"
                    "predicate/failures/0/error/later"
                ] do
                for value in [ "1"; "null"; "\"x\""; "{\"sha256\":[]}" ] do
                    Expect.equal (parse (changed path value)) (Ok(settled statement)) path)

        table
            "rejects a statement without a field, and names it"
            [
                "_type"
                "subject"
                "predicateType"
                "predicate"
                "predicate/runId"
                "predicate/cellId"
                "predicate/target"
                "predicate/sequence"
                "predicate/startedAt"
                "predicate/finishedAt"
                "predicate/outcome"
                "predicate/toolVersion"
                "predicate/counts"
                "predicate/counts/planned"
                "predicate/counts/skipped"
                "predicate/receipts"
                "predicate/receipts/0/sha256"
                "predicate/failures"
                "predicate/failures/0/error/kind"
            ]
            (fun path ->
                match parse (changed path null) with
                | Error refusal -> refusal.Problem.Contains $"'{Array.last (path.Split '/')}'"
                | Ok _ -> false)
            (fun _ -> true)

        table
            "rejects a statement that contradicts itself"
            [
                "_type", "\"https://in-toto.io/Statement/v0.1\""
                "predicateType", "\"https://cellos.dev/attestations/export-receipt/v1\""
                "subject", "[]"
                "subject/0/name", "\"c/b\""
                "subject/0/digest/sha256", $"\"{String('b', 64)}\""
                "predicate/runId", "\"\""
                "predicate/runId", "\"a b\""
                "predicate/sequence", "0"
                "predicate/sequence", "1"
                "predicate/previous", "null"
                "predicate/previous", $"\"{String('D', 64)}\""
                "predicate/previous", "\"dd\""
                "predicate/outcome", "\"done\""
                "predicate/outcome", "\"completed\""
                "predicate/counts/planned", "2"
                "predicate/counts/planned", "-1"
                "predicate/counts/stored", "2"
                "predicate/counts/failed", "0"
                "predicate/counts/skipped", "9223372036854775807"
                "predicate/receipts", "[]"
                "predicate/receipts", "{}"
                "predicate/receipts/0", "7"
                "predicate/failures", "[]"
            ]
            (fun (path, value) -> (parse (changed path value)).IsError)
            (fun _ -> true)

        table
            "writes no statement that contradicts itself"
            [
                { statement with RunId = "" }
                {
                    statement with
                        RunId = "https://h/k?X-Amz-Signature=0123456789abcdef"
                }
                { statement with Sequence = 0L }
                { statement with Sequence = 1L }
                { statement with Previous = None }
                { statement with Planned = 2L }
                {
                    statement with
                        Skipped = Int64.MaxValue
                        Planned = 5L
                }
                {
                    statement with
                        Skipped = -1L
                        Planned = 1L
                }
                {
                    statement with
                        Outcome = SealOutcome.Completed
                }
                {
                    statement with
                        Receipts = [ { bare with Sha256 = "" } ]
                }
            ]
            (fun statement -> (SealStatement.toPayload statement).IsError)
            (fun _ -> true)

        propertyTimes
            300
            "contains no secret, from any source of the failure"
            (gen {
                let! secret = secret
                let! texts = Gen.listOfLength 2 (planted secret)
                return secret, texts
            })
            (fun (secret, texts) ->
                textOf {
                    statement with
                        Failures = [
                            {
                                fullReport with
                                    Message = texts[0]
                                    Code = Some texts[1]
                            }
                        ]
                }
                |> holds [ secret ]
                |> fun found -> Expect.isEmpty found "none")
    ]
