module Cli.Tests.SealTests

open System
open System.Diagnostics
open System.IO
open System.Threading.Tasks
open CellOS.Export.S3.Core
open Expecto
open LoopbackS3
open Cli.Tests.Scene
open Cli.Tests.SealScene
open Cli.Tests.Support

let private subjects (statement: SealStatement) =
    statement.Receipts |> List.map SealStatement.subjectName

[<Tests>]
let tests =
    testList "push --seal" [
        testCaseTask "seals what was stored and what failed, and reports the head" (fun () ->
            task {
                use! scene = scene ()
                let sealed' = SealScene scene
                let names = [ "a"; "b"; "logs/c" ]
                let out = sealed'.Bundle names
                scene.Server.MisbehaveAlways(bucket, "cell-7/b", Fault.Status(403, "AccessDenied"))

                let! struct (code, output, error) =
                    runToolIn
                        (scene.Manifest("cell-7", names))
                        (sealed'.Arguments(sealed'.Sealing @ [ out ]))

                Expect.equal code 1 error
                let statement = List.exactlyOne sealed'.Statements
                Expect.equal (subjects statement) [ "cell-7/a"; "cell-7/logs/c" ] "the keys"
                Expect.equal statement.Outcome SealOutcome.Completed "all have ended"
                Expect.equal (statement.Planned, statement.Skipped) (3L, 0L) "counts"
                Expect.equal (statement.CellId, statement.TargetName) ("cell-7", "artifact-bucket") "names"
                Expect.isLessThanOrEqual statement.StartedAt statement.FinishedAt "times"

                for receipt in statement.Receipts do
                    Expect.stringContains output (Receipt.toJson receipt) "the receipt that was reported"

                for failure in statement.Failures do
                    Expect.stringContains
                        output
                        (FailureReport.toJson failure)
                        "the failure that was reported"

                Expect.equal (statement.Failures |> List.map _.Kind) [ "Refused" ] "the failure"

                Expect.stringContains
                    error
                    $"is 1:{sha256 (Text.Encoding.UTF8.GetBytes((textOf sealed'.Seals).TrimEnd '\n'))}."
                    "the head"

                Expect.isFalse ((output + error).Contains "not sealed") "no other word"
            })

        testCaseTask "takes the id of the run from --run-id" (fun () ->
            task {
                use! scene = scene ()
                let sealed' = SealScene scene
                let out = sealed'.Bundle [ "a" ]

                let! struct (code, _, error) =
                    runToolIn
                        (scene.Manifest("cell-7", [ "a" ]))
                        (sealed'.Arguments(sealed'.Sealing @ [ "--run-id=run-42"; out ]))

                Expect.equal code 0 error
                Expect.equal (List.exactlyOne sealed'.Statements).RunId "run-42" "the run"
            })

        testCaseTask "takes the key and the password from the environment" (fun () ->
            task {
                use! scene = scene ()
                let sealed' = SealScene scene
                let out = sealed'.Bundle [ "a" ]

                let variables =
                    scene.Manifest("cell-7", [ "a" ])
                    @ [ keyVariable, sealed'.Encrypted; passwordVariable, sealed'.PasswordPath ]

                let! struct (code, output, error) =
                    runToolIn variables (sealed'.Arguments [ "--seals"; sealed'.Seals; "--quiet"; out ])

                Expect.equal code 0 error
                Expect.equal error "" "nothing to report"
                Expect.isFalse ((output + textOf sealed'.Seals).Contains password) "not the password"

                // Options come first.
                let variables =
                    scene.Manifest("cell-7", [ "a" ])
                    @ [
                        keyVariable, scene.Folder.At "none"
                        passwordVariable, scene.Folder.At "none"
                    ]

                let! struct (code, _, error) =
                    runToolIn
                        variables
                        (sealed'.Arguments [
                            "--seals"
                            sealed'.Seals
                            "--seal"
                            sealed'.Encrypted
                            "--seal-password-file"
                            sealed'.PasswordPath
                            out
                        ])

                Expect.equal code 0 error
                Expect.hasLength sealed'.Statements 2 "both runs"
            })

        testCaseTask "appends one line for each target, with one run id" (fun () ->
            task {
                use! scene = sceneBehind true
                let sealed' = SealScene scene
                sealed'.Bundle [ "a"; "b"; "c" ] |> ignore

                twoTargets scene [ "a", "out/a", "two"; "b", "out/b", "one"; "c", "out/c", "two" ]

                let variables = [
                    for target in [ "ONE"; "TWO" ] do
                        $"CELLOS_EXPORT_S3_PRESIGNED_URL__{target}",
                        $"{scene.Server.Endpoint}{bucket}/{{cell_id}}/{{artifact_name}}?X-Amz-Signature={secret}"
                ]

                let! struct (code, _, error) =
                    runToolIn
                        variables
                        (sealed'.Arguments([ "--root"; scene.Folder.Path ] @ sealed'.Sealing))

                Expect.equal code 0 error
                let found = sealed'.Statements
                Expect.equal (found |> List.map _.TargetName |> List.sort) [ "one"; "two" ] "a line each"
                Expect.hasLength (found |> List.map _.RunId |> List.distinct) 1 "one run"

                for statement in found do
                    Expect.equal
                        (subjects statement)
                        (if statement.TargetName = "one" then
                             [ "cell-7/b" ]
                         else
                             [ "cell-7/a"; "cell-7/c" ])
                        "its own artifacts"
            })

        testCaseTask "counts what a resumed run leaves out, and seals it once" (fun () ->
            task {
                use! scene = scene ()
                let sealed' = SealScene scene
                let names = [ "a"; "b"; "c" ]
                let out = sealed'.Bundle names
                let variables = scene.Manifest("cell-7", names)

                let arguments =
                    sealed'.Arguments(
                        [ "--receipts"; scene.Folder.At "r.jsonl"; "--resume" ]
                        @ sealed'.Sealing
                        @ [ out ]
                    )

                scene.Server.Misbehave(bucket, "cell-7/b", Fault.Status(403, "AccessDenied"))
                let! struct (code, _, error) = runToolIn variables arguments
                Expect.equal code 1 error

                for _ in 1..2 do
                    let! struct (code, _, error) = runToolIn variables arguments
                    Expect.equal code 0 error

                let found = sealed'.Statements
                Expect.equal (found |> List.map _.Planned) [ 3L; 3L; 3L ] "asked for"
                Expect.equal (found |> List.map _.Skipped) [ 0L; 2L; 3L ] "left out"

                Expect.equal
                    (found |> List.map subjects)
                    [ [ "cell-7/a"; "cell-7/c" ]; [ "cell-7/b" ]; [] ]
                    "stored by each run"

                Expect.hasLength (found |> List.map _.RunId |> List.distinct) 3 "three runs"
            })

        for signal, expected in [ 2, 130; 15, 143 ] do
            testCaseTask $"seals an interrupted run with what it has (signal {signal})" (fun () ->
                task {
                    ToolTests.requireNotIgnored signal
                    use! scene = scene ()
                    let sealed' = SealScene scene
                    let names = [ for i in 1..100 -> $"f{i}" ]
                    let out = sealed'.Bundle names
                    let receipts = scene.Folder.At "r.jsonl"
                    // Ten are taken; the others would wait for ever.
                    scene.Server.OnAttempt <-
                        fun _ ->
                            if scene.Server.Requests.Count > 10 then
                                Fault.Silence(afterBody = true)
                            else
                                Fault.None

                    use child =
                        toolWith
                            (scene.Manifest("cell-7", names))
                            (sealed'.Arguments([ "--receipts"; receipts ] @ sealed'.Sealing @ [ out ]))

                    let! _ = child.ReadLine()
                    child.Signal signal
                    let! struct (code, _, error) = child.End()
                    Expect.equal code expected error
                    let statement = List.exactlyOne sealed'.Statements
                    Expect.equal statement.Outcome SealOutcome.Interrupted "says so"
                    Expect.equal statement.Planned 100L "what was asked for"
                    Expect.isGreaterThan statement.Receipts.Length 0 "what it has"

                    Expect.sequenceEqual
                        (statement.Receipts |> List.map Receipt.toJson |> List.sort)
                        (File.ReadAllLines receipts |> Seq.sort)
                        "the receipts are those of the file"
                })

        testCaseTask
            "a file that is damaged while the push runs ends it with 1, and the receipts stay"
            (fun () ->
                task {
                    use! scene = scene ()
                    let sealed' = SealScene scene
                    let names = [ "a"; "b" ]
                    let out = sealed'.Bundle names
                    let receipts = scene.Folder.At "r.jsonl"

                    scene.Server.OnAttempt <-
                        fun _ ->
                            shell "echo damaged > \"$0\"" sealed'.Seals |> ignore
                            Fault.None

                    let! struct (code, output, error) =
                        runToolIn
                            (scene.Manifest("cell-7", names))
                            (sealed'.Arguments([ "--receipts"; receipts ] @ sealed'.Sealing @ [ out ]))

                    Expect.equal code 1 error
                    Expect.stringContains error "The run is not sealed" "what happened"
                    Expect.stringContains error sealed'.Seals "where"
                    Expect.stringContains error "export again without --resume" "what to do"
                    Expect.equal (textOf sealed'.Seals) "damaged\n" "the file is left as it is"
                    Expect.hasLength (objects output) 2 "both are reported"
                    Expect.hasLength (File.ReadAllLines receipts) 2 "both receipts are there"
                })

        testCaseTask "two pushes at the same time seal one after the other" (fun () ->
            task {
                use! scene = scene ()
                let sealed' = SealScene scene
                let names = [ "a"; "b" ]
                let out = sealed'.Bundle names
                let variables = scene.Manifest("cell-7", names)

                let! ends =
                    Task.WhenAll [
                        for _ in 1..3 ->
                            task {
                                let! struct (code, _, error) =
                                    runToolIn variables (sealed'.Arguments(sealed'.Sealing @ [ out ]))

                                Expect.equal code 0 error
                            }
                    ]

                Expect.hasLength ends 3 "three pushes"
                Expect.hasLength sealed'.Statements 3 "three lines"
            })

        testCaseTask "repairs a torn line with a note, and seals after it" (fun () ->
            task {
                use! scene = scene ()
                let sealed' = SealScene scene
                let out = sealed'.Bundle [ "a" ]
                File.WriteAllText(sealed'.Seals, "{\"payload\":\"e3")

                let! struct (code, _, error) =
                    runToolIn
                        (scene.Manifest("cell-7", [ "a" ]))
                        (sealed'.Arguments(sealed'.Sealing @ [ out ]))

                Expect.equal code 0 error
                Expect.stringContains error "ended in a torn line of 14 bytes, which was cut off" "a note"
                Expect.hasLength sealed'.Statements 1 "one line"
            })
    ]

[<Tests>]
let kills =
    testSequenced
    <| testList "push --seal" [
        testCaseTask
            "after 50 kills at random moments the chain is valid, and names what is not sealed"
            (fun () ->
                task {
                    use! scene = scene ()
                    let sealed' = SealScene scene
                    let names = [ for i in 1..40 -> $"f{i}" ]
                    let out = sealed'.Bundle names
                    let variables = scene.Manifest("cell-7", names)
                    let receipts = scene.Folder.At "receipts.jsonl"

                    let arguments =
                        sealed'.Arguments(
                            sealed'.Sealing @ [ "--receipts"; receipts; "--concurrency"; "40"; out ]
                        )

                    let publicKey =
                        scene.Folder.Write("public.pem", sealed'.Key.ExportSubjectPublicKeyInfoPem())

                    let verify = [
                        "verify"
                        "--json"
                        "--receipts"
                        receipts
                        "--seals"
                        sealed'.Seals
                        "--key"
                        publicKey
                        "--bundle"
                        out
                    ]

                    let random = Random 20261129
                    let mutable unsealed = 0

                    let untilLastResult (child: Child) =
                        task {
                            let mutable left = names.Length

                            while left > 0 do
                                let! line = child.ReadLine()
                                left <- if isNull line then 0 else left - 1
                        }

                    // The seal is written after the last result and before the end.
                    use whole = toolWith variables arguments
                    do! untilLastResult whole
                    let ending = Stopwatch.StartNew()
                    let! struct (code, _, error) = whole.End()
                    Expect.equal code 0 error
                    let longest = int ending.ElapsedMilliseconds + 1
                    let mutable before = 1

                    for _ in 1..50 do
                        use child = toolWith variables arguments
                        do! untilLastResult child
                        do! Task.Delay(random.Next longest)
                        child.Kill()
                        let! struct (_, _, _) = child.End()
                        let lines = sealed'.Lines

                        let whole, rest =
                            lines |> List.partition (fun line -> line.Status = SealStatus.Valid)

                        Expect.all
                            rest
                            (fun line -> line.Status = SealStatus.Truncated)
                            "nothing but a torn line"

                        Expect.isLessThanOrEqual rest.Length 1 "at the end"
                        Expect.isGreaterThanOrEqual whole.Length before "no line is lost"
                        let isSealed = whole.Length > before
                        unsealed <- unsealed + (if isSealed then 0 else 1)
                        before <- whole.Length

                        // What was killed before it was sealed is named, artifact by artifact.
                        let! struct (code, output, error) = runTool verify
                        Expect.equal code (if isSealed && rest.IsEmpty then 0 else 1) error

                        let notSealed =
                            objects output
                            |> List.filter (fun line ->
                                text "kind" line = "artifact" && text "seal" line = "not sealed")

                        Expect.hasLength notSealed (if isSealed then 0 else names.Length) "the last run"

                    let! struct (code, _, error) = runToolIn variables arguments
                    Expect.equal code 0 error
                    let found = sealed'.Statements
                    Expect.equal found.Length (before + 1) "one line more"
                    Expect.equal (List.last found).Receipts.Length 40 "all of the last run"
                    Expect.isGreaterThan before 1 "some runs were sealed before they were killed"
                    Expect.isGreaterThan unsealed 0 "some were not"
                })
    ]
