/// `push --format`: what standard output gets, and what nothing else does.
module Cli.Tests.FormatTests

open System
open System.IO
open System.Text.Json
open CellOS.Export.S3.Core
open Expecto
open LoopbackS3
open Cli.Tests.Scene
open Cli.Tests.Support

let private names = [ "a"; "logs/ü b.txt"; "denied" ]

/// A push of three artifacts, one of which the server refuses: code, standard output, receipts.
let private push (scene: Scene) (arguments: string list) =
    task {
        for name in names do
            scene.Folder.Write($"out/{name}", $"evidence of {name}") |> ignore

        scene.Server.MisbehaveAlways(bucket, "cell-7/denied", Fault.Status(403, "AccessDenied"))

        let! struct (code, output, error) =
            runToolIn
                (scene.Manifest("cell-7", names))
                ([ "push"; "--spec"; scene.Spec; "--cell-id"; "cell-7"; scene.Folder.At "out" ]
                 @ arguments)

        Expect.isFalse (output.Contains "X-Amz-" || error.Contains "X-Amz-S") "no part of a URL"
        return code, objects output
    }

let private receiptsIn (path: string) =
    File.ReadAllLines path
    |> Array.map (fun line -> Expect.wantOk (Receipt.parse line) "a receipt")
    |> Array.sortBy _.ArtifactName
    |> List.ofArray

let private receiptOf (json: JsonElement) =
    Expect.wantOk (Receipt.parse (json.GetRawText())) "a receipt"

/// Receipts within other objects, in the order of names.
let private within (name: string) (lines: JsonElement list) =
    lines
    |> List.map (fun line -> receiptOf (line.GetProperty name))
    |> List.sortBy _.ArtifactName

let private indented (text: string) =
    text.Split '\n' |> Array.map (fun line -> "  " + line) |> String.concat "\n"

[<Tests>]
let tests =
    testList "push --format" [
        testCaseTask "json gives receipts and errors, as if nothing had been said" (fun () ->
            task {
                use! scene = scene ()
                let file = scene.Folder.At "r.jsonl"
                let! code, lines = push scene [ "--format"; "json"; "--receipts"; file ]
                Expect.equal code 1 "one failed"

                let exported, failed =
                    lines |> List.partition (fun line -> text "sha256" line <> "")

                Expect.equal
                    (exported |> List.map receiptOf |> List.sortBy _.ArtifactName)
                    (receiptsIn file)
                    "the receipts"

                Expect.equal
                    (text "code" ((List.exactlyOne failed).GetProperty "error"))
                    "AccessDenied"
                    "the error"
            })

        testCaseTask "cloudevents gives an event for each artifact, failures too" (fun () ->
            task {
                use! scene = scene ()
                let file = scene.Folder.At "r.jsonl"
                let before = DateTimeOffset.UtcNow
                let! code, lines = push scene [ "--format"; "cloudevents"; "--receipts"; file ]
                Expect.equal code 1 "one failed"
                Expect.hasLength lines 3 "three events"

                for line in lines do
                    Expect.equal (text "specversion" line) "1.0" "an event"
                    Expect.equal (text "source" line) "/cells/cell-7" "of the cell"

                let completed, failed =
                    lines
                    |> List.partition (fun line -> text "type" line = CloudEvent.CompletedType)

                Expect.equal (within "data" completed) (receiptsIn file) "the receipts"

                Expect.equal
                    (completed |> List.map _.GetRawText() |> List.sort)
                    (receiptsIn file |> List.map CloudEvent.ofReceipt |> List.sort)
                    "as the core renders them"

                let failed = List.exactlyOne failed
                Expect.equal (text "type" failed) CloudEvent.FailedType "the other"
                Expect.equal (text "subject" failed) "denied" "which"
                let data = failed.GetProperty "data"

                Expect.equal
                    (text "targetKind" data, text "targetName" data)
                    ("s3", "artifact-bucket")
                    "where to"

                Expect.equal (text "kind" data, text "code" data) ("Refused", "AccessDenied") "why"
                Expect.stringContains (text "reason" data) "AccessDenied" "in words"
                let time = failed.GetProperty("time").GetDateTimeOffset()

                Expect.isTrue (time > before.AddSeconds -1. && time <= DateTimeOffset.UtcNow) $"when: {time}"
            })

        testCaseTask "run id and provenance are in events and statements, and not in receipts" (fun () ->
            task {
                for format, part in [ "cloudevents", "data"; "in-toto", "predicate" ] do
                    use! scene = scene ()
                    let file = scene.Folder.At "r.jsonl"

                    let! _, lines =
                        push scene [
                            "--format"
                            format
                            "--run-id=run-42"
                            "--provenance=events/3f2a"
                            "--receipts"
                            file
                        ]

                    let told = lines |> List.filter (fun line -> fst (line.TryGetProperty part))
                    Expect.isGreaterThan told.Length 1 format

                    for line in told do
                        let said = line.GetProperty part

                        Expect.equal
                            (text "runId" said, text "provenance" said)
                            ("run-42", "events/3f2a")
                            format

                    Expect.isFalse ((File.ReadAllText file).Contains "run-42") "receipts"
            })

        testCaseTask "the id of the spec is in events" (fun () ->
            task {
                use! scene = scene ()
                let file = scene.Folder.Write("out/a", "evidence")

                let spec =
                    scene.Folder.Write(
                        "with-id.yaml",
                        "spec:\n  id: cell-7\n" + indented (File.ReadAllText scene.Spec)
                    )

                let! struct (code, output, error) =
                    runToolIn (scene.Manifest("cell-7", [ "a" ])) [
                        "push"
                        "--spec"
                        spec
                        "--format=cloudevents"
                        file
                    ]

                Expect.equal code 0 error
                let data = (List.exactlyOne (objects output)).GetProperty "data"
                Expect.equal (text "specId" data) "cell-7" "the id"
            })

        for options, said in
            [
                [ "--run-id=1" ], "--run-id needs --format cloudevents, --format in-toto or --seals"
                [ "--run-id=1"; "--json" ], "--run-id needs"
                [ "--provenance=p" ], "--provenance needs --format cloudevents or --format in-toto"
                [ "--format=json"; "--provenance=p" ], "--provenance needs"
                [ "--format=in-toto"; "--run-id=a b" ], "The run id 'a b' is not valid"
                [ "--format=in-toto"; "--provenance=" ], "--provenance"
            ] do
            testCaseTask $"""is refused: {String.concat " " options}""" (fun () ->
                task {
                    use! scene = scene ()

                    let! struct (code, output, error) =
                        runToolIn
                            (scene.Manifest("cell-7", names))
                            ([ "push"; "--spec"; scene.Spec; "--cell-id"; "cell-7"; scene.Folder.At "out" ]
                             @ options)

                    Expect.equal (code, output) (2, "") "refused"
                    Expect.stringContains error said "why"
                })

        testCaseTask "in-toto gives a statement for what was exported, and errors for the rest" (fun () ->
            task {
                use! scene = scene ()
                let file = scene.Folder.At "r.jsonl"
                let! code, lines = push scene [ "--format=in-toto"; "--receipts"; file ]
                Expect.equal code 1 "one failed"

                let statements, failed =
                    lines
                    |> List.partition (fun line -> text "_type" line = InTotoStatement.StatementType)

                Expect.equal (within "predicate" statements) (receiptsIn file) "the receipts"

                for statement in statements do
                    let subject = Seq.exactlyOne ((statement.GetProperty "subject").EnumerateArray())
                    let key = "cell-7/" + text "name" subject
                    let stored = Expect.wantSome (scene.Stored key) key

                    Expect.equal
                        (text "sha256" (subject.GetProperty "digest"))
                        stored.Sha256
                        "the digest of what is stored"

                    Expect.equal
                        (text "uri" subject |> Uri.UnescapeDataString)
                        $"s3://{bucket}/{key}"
                        "where it is stored"

                let failed = List.exactlyOne failed
                Expect.equal (text "artifactName" failed) "denied" "which"
                Expect.equal (text "kind" (failed.GetProperty "error")) "Refused" "as with json"
            })

        testCaseTask "leaves the receipts file as it is, and resumes by it" (fun () ->
            task {
                use! scene = scene ()
                let file = scene.Folder.At "r.jsonl"
                let! _, first = push scene [ "--format"; "cloudevents"; "--receipts"; file ]
                let receipts = receiptsIn file
                Expect.hasLength receipts 2 "what was exported"
                let arguments = [ "--receipts"; file; "--resume"; "--format" ]
                let! code, again = push scene (arguments @ [ "cloudevents" ])
                Expect.equal code 1 "the same one failed"
                let event = List.exactlyOne again
                Expect.equal (text "subject" event) "denied" "nothing is told of what was left out"

                let earlier =
                    first |> List.find (fun line -> text "type" line = CloudEvent.FailedType)

                Expect.notEqual (text "id" event) (text "id" earlier) "another failure"
                let! _, statements = push scene (arguments @ [ "in-toto" ])
                Expect.hasLength statements 1 "the error"
                Expect.equal (receiptsIn file) receipts "no receipt came twice"
            })

        testCaseTask "gives one id for the same export twice" (fun () ->
            task {
                use! scene = scene ()

                let ids (lines: JsonElement list) =
                    lines
                    |> List.filter (fun line -> text "type" line = CloudEvent.CompletedType)
                    |> List.map (fun line -> text "subject" line, text "source" line, text "id" line)
                    |> List.sort

                let! _, first = push scene [ "--format"; "cloudevents" ]
                let! _, second = push scene [ "--format"; "cloudevents" ]
                Expect.equal (ids second) (ids first) "the same"
                Expect.hasLength (ids first |> List.map (fun (_, _, id) -> id) |> List.distinct) 2 "one each"
            })
    ]
