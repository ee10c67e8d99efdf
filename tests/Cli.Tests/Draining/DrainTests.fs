/// `push` with a spool, `drain`, and what `check` shows of a spool.
module Cli.Tests.DrainTests

open System
open System.IO
open System.Threading.Tasks
open Expecto
open LoopbackS3
open CellOS.Export.S3.Core
open Cli.Tests.Scene
open Cli.Tests.Shell
open Cli.Tests.SpoolScene
open Cli.Tests.Support

let private entryOf (scene: SpoolScene) (name: string) =
    scene.Entries
    |> Array.find (fun entry -> (File.ReadAllText(Path.Join(entry, "note.json"))).Contains $"\"{name}\"")

/// Makes a key to seal with, and its public half beside it.
let private keyIn (folder: Folder) =
    if not (has "openssl") then
        skiptest "needs openssl"

    let key = folder.At "key.pem"
    let publicKey = folder.At "public.pem"

    shell
        $"openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out '{key}' 2>/dev/null; openssl pkey -in '{key}' -pubout -out '{publicKey}'"
        ""
    |> ignore

    key

let private flagged (line: Text.Json.JsonElement) =
    match line.TryGetProperty "error" with
    | true, error -> fst (error.TryGetProperty "spooled")
    | _ -> false

[<Tests>]
let tests =
    testList "drain" [
        testCaseTask
            "push keeps what the store does not take for now, and drain exports it with true receipts"
            (fun () ->
                task {
                    use! scene = spoolScene [ "a"; "logs/b"; "c" ]
                    scene.GoAway()
                    let! struct (code, output, error) = runToolIn scene.Variables scene.Push
                    Expect.equal code 3 error
                    Expect.hasLength (objects output) 3 "a line for each"
                    Expect.all (objects output) flagged "spooled, in JSON"
                    Expect.stringContains error "spooled logs/b: " "a line for people"
                    Expect.stringContains error "0 exported (0 B), 3 spooled of 3" "the summary"
                    Expect.equal (List.sort scene.Kept) [ "a"; "c"; "logs/b" ] "in the spool"

                    Expect.isFalse
                        ((textOf (Path.Join(entryOf scene "a", "note.json"))).Contains "Signature")
                        "no secret"

                    scene.ComeBack()
                    Directory.Delete(scene.Out, true)

                    let! struct (code, output, error) =
                        runToolIn scene.Variables (scene.DrainTo scene.Receipts)

                    Expect.equal code 0 error
                    Expect.isEmpty scene.Entries "the spool is empty"
                    let receipts = receiptsIn scene.Receipts
                    Expect.hasLength receipts 3 "a receipt for each"

                    for receipt in receipts do
                        Expect.equal receipt.CellId "cell-7" "the cell"
                        Expect.equal receipt.TargetName (Some "artifact-bucket") "the target"
                        Expect.equal receipt.Sha256 (sha256 (contentOf receipt.ArtifactName)) "the content"

                        Expect.equal
                            receipt.Destination
                            $"s3://{bucket}/cell-7/{receipt.ArtifactName}"
                            "the address"

                    for line in objects output do
                        scene.Scene.IsTrue line

                    let! struct (code, _, error) =
                        runToolIn scene.Variables (scene.DrainTo scene.Receipts)

                    Expect.equal code 0 "nothing to drain"
                    Expect.stringContains error "The spool is empty" "it says so"
                })

        testCaseTask "a drained artifact is verified as a pushed one is" (fun () ->
            task {
                use! scene = spoolScene [ "a"; "b" ]
                scene.GoAway()
                let! struct (code, _, error) = runToolIn scene.Variables scene.Push
                Expect.equal code 3 error
                scene.ComeBack()

                let! struct (code, _, error) =
                    runToolIn scene.Variables (scene.DrainTo scene.Receipts)

                Expect.equal code 0 error

                let! struct (code, _, error) =
                    runTool [ "verify"; "--receipts"; scene.Receipts; "--bundle"; scene.Out ]

                Expect.equal code 0 error
                // And a push with --resume has nothing left to do.
                let before = scene.Server.Requests.Count
                let! struct (code, _, error) = runToolIn scene.Variables scene.Push
                Expect.equal code 0 error
                Expect.equal scene.Server.Requests.Count before "nothing is sent again"
            })

        testCaseTask "a drain that sends nothing leaves the receipt of the later push as it is" (fun () ->
            task {
                use! scene = spoolScene [ "a" ]
                scene.GoAway()
                let! struct (code, _, error) = runToolIn scene.Variables scene.Push
                Expect.equal code 3 error
                scene.ComeBack()
                File.WriteAllText(Path.Join(scene.Out, "a"), "newer")
                let! struct (code, _, error) = runToolIn scene.Variables scene.Push
                Expect.equal code 0 error
                let before = scene.Server.Requests.Count

                let! struct (code, _, error) =
                    runToolIn scene.Variables (scene.DrainTo scene.Receipts)

                Expect.equal code 0 error
                Expect.isEmpty scene.Entries "removed, with the receipt of the push"

                let! struct (code, output, error) =
                    runTool [ "verify"; "--receipts"; scene.Receipts; "--bundle"; scene.Out ]

                Expect.equal code 0 (output + error)
                let! struct (code, _, error) = runToolIn scene.Variables scene.Push
                Expect.equal code 0 error
                Expect.equal scene.Server.Requests.Count before "nothing is sent again"
            })

        testCaseTask "something worse than a full spool of artifacts ends with 1" (fun () ->
            task {
                use! scene = spoolScene [ "a"; "b" ]

                scene.Server.OnAttempt <-
                    fun request ->
                        if request.Key.EndsWith "/a" then
                            Fault.Status(403, "AccessDenied")
                        else
                            Fault.Status(503, "SlowDown")

                let! struct (code, output, error) = runToolIn scene.Variables scene.Push
                Expect.equal code 1 error
                Expect.equal (objects output |> List.filter flagged |> List.length) 1 "one is spooled"
                Expect.equal scene.Kept [ "b" ] "a refusal is not temporary"
            })

        testCaseTask "what is still not exported stays: 3 for a temporary reason, 1 for another" (fun () ->
            task {
                use! scene = spoolScene [ "a"; "b" ]
                scene.GoAway()
                let! struct (_, _, _) = runToolIn scene.Variables scene.Push
                let! struct (code, output, error) = runToolIn scene.Variables scene.Drain
                Expect.equal code 3 error
                Expect.all (objects output) flagged "still in the spool"
                Expect.stringContains error "keeps 2 artifacts" "it says so"
                scene.Server.OnAttempt <- fun _ -> Fault.Status(403, "AccessDenied")
                let! struct (code, output, error) = runToolIn scene.Variables scene.Drain
                Expect.equal code 1 error
                Expect.isFalse (objects output |> List.exists flagged) "a later drain has the same failure"
                Expect.hasLength scene.Kept 2 "they stay"
            })

        testCaseTask "an entry stays if standard output did not take its receipt" (fun () ->
            task {
                use! scene = spoolScene [ "a" ]
                scene.GoAway()
                let! struct (_, _, _) = runToolIn scene.Variables scene.Push
                scene.ComeBack()
                let! struct (code, _, error) = shellTool scene.Variables scene.Drain ">/dev/full"
                Expect.equal code 1 error
                Expect.stringContains error "still in the spool" "what to know"
                Expect.equal scene.Kept [ "a" ] "it stays"
            })

        testCaseTask "an interrupted drain leaves the rest in the spool" (fun () ->
            task {
                use! scene = spoolScene [ for i in 1..20 -> $"f{i}" ]
                scene.GoAway()
                let! struct (_, _, _) = runToolIn scene.Variables scene.Push
                scene.Server.OnAttempt <- fun _ -> Fault.SlowRead 2_000
                use child = toolWith scene.Variables (scene.DrainTo scene.Receipts)
                let! first = child.ReadLine()
                Expect.isNotNull first "it has begun"
                child.Signal 15
                let! struct (code, _, error) = child.End()
                Expect.equal code 143 error
                Expect.stringContains error "the rest is in the spool" "what to know"

                let exported = receiptsIn scene.Receipts |> List.map _.ArtifactName |> Set.ofList

                Expect.isNonEmpty exported "something was exported"
                Expect.equal (Set.ofList scene.Kept + exported |> Set.count) 20 "each in one of both"
            })

        testCaseTask "a second drain is refused while one runs, and a push is not" (fun () ->
            task {
                use! scene = spoolScene [ "a"; "b" ]
                scene.GoAway()
                let! struct (_, _, _) = runToolIn scene.Variables scene.Push
                let before = scene.Server.Requests.Count
                scene.Server.OnAttempt <- fun _ -> Fault.Silence()
                use child = toolWith scene.Variables (scene.Drain @ [ "--concurrency"; "1" ])

                while scene.Server.Requests.Count = before do
                    do! Task.Delay 10

                // The drain is at one of them, and has not begun the other.
                scene.ComeBack()
                let other = if scene.Server.Requests[before].Key.EndsWith "/a" then "b" else "a"

                let! struct (code, _, error) = runToolIn scene.Variables scene.Drain
                Expect.equal code 2 error
                Expect.stringContains error "is being drained by another process" "why"

                let! struct (code, _, error) =
                    runToolIn scene.Variables [
                        "push"
                        "--spec"
                        scene.Scene.Spec
                        "--cell-id"
                        "cell-7"
                        "--receipts"
                        scene.Receipts
                        Path.Join(scene.Out, other)
                    ]

                Expect.equal code 0 error
                child.Kill()
                let! _ = child.End()
                // The lock ends with the process.
                let! struct (code, output, error) = runToolIn scene.Variables scene.Drain
                Expect.equal code 0 error
                Expect.hasLength (objects output) 2 "one is exported, and one has the receipt of the push"

                let puts =
                    scene.Server.Requests
                    |> Seq.filter (fun request -> request.Key = $"cell-7/{other}")

                Expect.hasLength (List.ofSeq puts) 2 "spooled, pushed, and not sent again"
            })

        testCaseTask "a drain that cannot begin is refused, and sends nothing" (fun () ->
            task {
                use! scene = spoolScene [ "a" ]

                let without =
                    scene.Variables |> List.filter (fun (name, _) -> name <> spoolVariable)

                let folder = scene.Folder.At "folder"
                Directory.CreateDirectory folder |> ignore
                let link = scene.Folder.At "link"
                File.CreateSymbolicLink(link, folder) |> ignore

                for variables, arguments, why in
                    [
                        without, [], "No target has a spool"
                        without, [ "--spool"; scene.Folder.At "gone" ], "there is no folder"
                        without, [ "--spool"; link ], "is a symbolic link"
                        scene.Variables, [ "--target"; "other" ], "'other'"
                        scene.Variables, [ "--seal"; "k" ], "--seal needs --seals"
                        [ spoolVariable, scene.Spool ], [], "PRESIGNED_URL"
                    ] do
                    let! struct (code, _, error) = runToolIn variables (scene.Drain @ arguments)
                    Expect.equal code 2 error
                    Expect.stringContains error why why

                Expect.isEmpty scene.Server.Requests "nothing"
            })

        testCaseTask "a cell that cannot be exported does not keep the others in the spool" (fun () ->
            task {
                use! scene = spoolSceneBehind true [ "a"; "b" ]
                let key = keyIn scene.Folder
                let seals = scene.Folder.At "seals.jsonl"

                let template =
                    $"{scene.Server.Endpoint}{bucket}/{{cell_id}}/{{artifact_name}}?X-Amz-Signature={secret}"

                let variables = [
                    spoolVariable, scene.Spool
                    "CELLOS_EXPORT_S3_MAX_ATTEMPTS" + suffix, "1"
                    "CELLOS_EXPORT_S3_PRESIGNED_URL" + suffix, template
                ]

                scene.GoAway()

                for cell, name in [ "cell-7", "a"; "cell-8", "b" ] do
                    let! struct (code, _, error) =
                        runToolIn variables [
                            "push"
                            "--spec"
                            scene.Scene.Spec
                            "--cell-id"
                            cell
                            Path.Join(scene.Out, name)
                        ]

                    Expect.equal code 3 error

                scene.ComeBack()

                // The key is lost while the first cell is exported: the second cannot be sealed.
                scene.Server.OnAttempt <-
                    fun _ ->
                        File.Delete key
                        null

                let drain = scene.DrainTo scene.Receipts @ [ "--seal"; key; "--seals"; seals ]
                let! struct (code, _, error) = runToolIn variables drain
                Expect.equal code 1 error
                Expect.stringContains error "key.pem" "what is missing"
                let first = receiptsIn scene.Receipts |> List.exactlyOne
                Expect.hasLength scene.Entries 1 "the other stays"

                let! struct (code, _, error) = runToolIn variables drain
                Expect.equal code 2 "refused, where nothing was sent"
                Expect.stringContains error "key.pem" "what is missing"

                scene.Server.OnAttempt <- null
                let! struct (code, _, error) = runToolIn variables (scene.DrainTo scene.Receipts)
                Expect.equal code 0 error

                Expect.equal
                    (receiptsIn scene.Receipts |> List.map _.CellId |> List.sort)
                    [ "cell-7"; "cell-8" ]
                    $"{first.CellId} first, and now both"
            })

        testCaseTask "a spool inside the bundle, or a bundle inside the spool, is refused" (fun () ->
            task {
                use! scene = spoolScene [ "a" ]
                let inside = Path.Join(scene.Out, "spool")
                let alias = scene.Folder.At "alias"
                File.CreateSymbolicLink(alias, scene.Out) |> ignore

                for spool in [ inside; scene.Out; Path.Join(alias, "deep", "spool") ] do
                    for command in
                        [
                            scene.Push
                            [ "check"; "--spec"; scene.Scene.Spec; "--cell-id"; "cell-7"; scene.Out ]
                        ] do
                        let! struct (code, _, error) =
                            runToolIn (scene.Variables @ [ spoolVariable, spool ]) command

                        Expect.equal code 2 error
                        Expect.stringContains error "is inside the PATH" "why"

                Expect.isFalse (Directory.Exists inside) "no folder was made in the evidence"
                Directory.CreateDirectory(Path.Join(scene.Spool, "out")) |> ignore

                File.SetUnixFileMode(
                    scene.Spool,
                    UnixFileMode.UserRead ||| UnixFileMode.UserWrite ||| UnixFileMode.UserExecute
                )

                let evidence = Path.Join(scene.Spool, "out", "a")
                File.WriteAllText(evidence, "a")

                let! struct (code, _, error) =
                    runToolIn scene.Variables [
                        "push"
                        "--spec"
                        scene.Scene.Spec
                        "--cell-id"
                        "cell-7"
                        evidence
                    ]

                Expect.equal code 2 error
                Expect.stringContains error "are inside the spool" "why"
                Expect.isEmpty scene.Server.Requests "nothing was sent"
            })

        testCaseTask "push refuses a spool that cannot keep anything, and check says so" (fun () ->
            task {
                use! scene = spoolScene [ "a" ]
                Directory.CreateDirectory scene.Spool |> ignore
                File.SetUnixFileMode(scene.Spool, enum<UnixFileMode> 0o777)

                for command in [ scene.Push; [ "check"; "--spec"; scene.Scene.Spec ] ] do
                    let! struct (code, _, error) = runToolIn scene.Variables command
                    Expect.equal code 2 error
                    Expect.stringContains error "can be written by other users" "why"
            })

        testCaseTask "check shows folder, artifacts, bytes, age and problems of a spool" (fun () ->
            task {
                use! scene = spoolScene [ "a"; "b" ]
                let check = [ "check"; "--spec"; scene.Scene.Spec ]
                let! struct (code, output, error) = runToolIn scene.Variables check
                Expect.equal code 0 error
                Expect.stringContains output $"spool {scene.Spool}: 0 artifacts, 0 bytes\n" "empty"
                Expect.isFalse (Directory.Exists scene.Spool) "check makes nothing"
                scene.GoAway()
                let! struct (_, _, _) = runToolIn scene.Variables scene.Push
                let bytes = (contentOf "a").Length + (contentOf "b").Length
                let! struct (code, output, error) = runToolIn scene.Variables check
                Expect.equal code 0 error

                Expect.stringContains
                    output
                    $"spool {scene.Spool}: 2 artifacts, {bytes} bytes, the oldest of 2"
                    "two"

                Expect.stringContains output "spoolFolder" "the setting"
                let note = Path.Join(entryOf scene "a", "note.json")
                File.WriteAllText(note, File.ReadAllText(note).Replace("\"version\":1", "\"version\":7"))
                File.WriteAllText(Path.Join(scene.Spool, "stranger"), "")
                let! struct (_, output, _) = runToolIn scene.Variables (check @ [ "--json" ])
                let spool = (objects (output.Replace("\n", ""))).Head.GetProperty("spools")[0]
                Expect.equal (spool.GetProperty("artifacts").GetInt32()) 2 "two"

                let problems = [
                    for problem in spool.GetProperty("problems").EnumerateArray() -> string problem
                ]

                Expect.hasLength problems 2 "two"
                Expect.exists problems _.Contains("version 7") "the note"
                Expect.exists problems _.Contains("'stranger'") "the file"
                scene.ComeBack()
                let! struct (code, _, error) = runToolIn scene.Variables scene.Drain
                Expect.equal code 1 error
                Expect.stringContains error "version 7" "drain refuses it"
                Expect.hasLength scene.Entries 1 "and leaves it"
            })

        testCaseTask
            "one spool keeps artifacts of several cells and targets, and each drain takes what it is asked for"
            (fun () ->
                task {
                    use! scene = spoolSceneBehind true [ "a" ]
                    twoTargets scene.Scene []

                    let variables = [
                        for target in [ "ONE"; "TWO" ] do
                            $"CELLOS_EXPORT_S3_PRESIGNED_URL__{target}",
                            $"{scene.Server.Endpoint}{bucket}/{target}/{{cell_id}}/{{artifact_name}}"

                            $"CELLOS_EXPORT_S3_MAX_ATTEMPTS__{target}", "1"
                            $"CELLOS_EXPORT_S3_KEY_CHECK__{target}", "off"
                        // Two paths of one folder.
                        "CELLOS_EXPORT_S3_SPOOL_DIR__ONE", scene.Spool
                        "CELLOS_EXPORT_S3_SPOOL_DIR__TWO", scene.Spool + "/../spool/"
                    ]

                    scene.GoAway()

                    for cell in [ "cell-7"; "cell-8" ] do
                        for target in [ "one"; "two" ] do
                            let! struct (code, _, error) =
                                runToolIn variables [
                                    "push"
                                    "--spec"
                                    scene.Scene.Spec
                                    "--cell-id"
                                    cell
                                    "--target"
                                    target
                                    scene.Out
                                ]

                            Expect.equal code 3 error

                    Expect.hasLength scene.Entries 4 "cells and targets are apart"

                    let drained arguments =
                        task {
                            scene.GoAway()
                            let! struct (code, output, error) = runToolIn variables (scene.Drain @ arguments)
                            Expect.equal code 3 error

                            return
                                objects output
                                |> List.map (fun line -> text "cellId" line, (text "destination" line))
                                |> List.sort
                                |> List.map fst,
                                error
                        }

                    let! all, _ = drained []
                    Expect.equal all [ "cell-7"; "cell-7"; "cell-8"; "cell-8" ] "all"
                    let! one, error = drained [ "--cell-id"; "cell-8"; "--target"; "two" ]
                    Expect.equal one [ "cell-8" ] "one"
                    Expect.stringContains error "3 artifacts of other cells or targets stay" "the others"
                    // A spec that is for one cell drains that cell.
                    File.WriteAllText(
                        scene.Scene.Spec,
                        "spec:\n  id: cell-7\n  "
                        + File.ReadAllText(scene.Scene.Spec).TrimEnd().Replace("\n", "\n  ")
                    )

                    let! own, _ = drained []
                    Expect.equal own [ "cell-7"; "cell-7" ] "its own"
                    // One without the target leaves its entries, and says why.
                    File.WriteAllText(
                        scene.Scene.Spec,
                        $"export: {{targets: [{{name: one, kind: s3, bucket: {bucket}}}]}}"
                    )

                    let! struct (code, output, error) = runToolIn variables scene.Drain
                    Expect.equal code 1 error
                    Expect.stringContains output "the target 'two', which the spec does not contain" "why"
                    Expect.hasLength scene.Entries 4 "they stay"
                })

        testCaseTask "a drain is sealed as a push is" (fun () ->
            task {
                use! scene = spoolScene [ "a"; "b" ]
                scene.GoAway()
                let! struct (_, _, _) = runToolIn scene.Variables scene.Push
                scene.ComeBack()
                let key = keyIn scene.Folder
                let publicKey = scene.Folder.At "public.pem"
                let seals = scene.Folder.At "seals.jsonl"

                let! struct (code, _, error) =
                    runToolIn
                        scene.Variables
                        (scene.DrainTo scene.Receipts @ [ "--seal"; key; "--seals"; seals ])

                Expect.equal code 0 error

                let! struct (code, _, error) =
                    runTool [
                        "verify"
                        "--receipts"
                        scene.Receipts
                        "--seals"
                        seals
                        "--key"
                        publicKey
                        "--bundle"
                        scene.Out
                    ]

                Expect.equal code 0 error
            })
    ]
