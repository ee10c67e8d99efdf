module Cli.Tests.PushTests

open System
open System.Collections.Generic
open System.IO
open System.Text.Json
open CellOS.Export.S3.Core
open Expecto
open LoopbackS3
open Cli.Tests.Scene
open Cli.Tests.Support

let private push (scene: Scene) variables (arguments: string list) =
    runToolIn variables ([ "push"; "--spec"; scene.Spec; "--cell-id"; "cell-7" ] @ arguments)

/// A bundle of some files below `out`.
let private bundle (scene: Scene) (names: string list) =
    for name in names do
        scene.Folder.Write($"out/{name}", $"evidence of {name}") |> ignore

    scene.Folder.At "out"

let private listed =
    seedSpec
    + """  artifacts:
    - name: logs/stdout.txt
      path: out/stdout.txt
    - name: report
      path: ./out/deep/report.json
"""

[<Tests>]
let tests =
    testList "push" [
        testCaseTask "exports as the seed shows it, word for word" (fun () ->
            task {
                use! scene = sceneBehind true
                let out = bundle scene [ "logs/stdout.txt"; "report.json" ]
                let! struct (code, output, error) = push scene scene.SeedVariables [ out ]
                Expect.equal code 0 error
                let receipts = objects output
                Expect.hasLength receipts 2 "two receipts"
                receipts |> List.iter scene.IsTrue

                Expect.equal
                    (receipts |> List.map (text "destination") |> List.sort)
                    [
                        "s3://my-cellos-evidence/cell-7/logs/stdout.txt"
                        "s3://my-cellos-evidence/cell-7/report.json"
                    ]
                    "names relative to the folder"

                Expect.equal
                    (receipts |> List.map (text "targetName") |> List.distinct)
                    [ "artifact-bucket" ]
                    "target"

                Expect.isFalse ((output + error).Contains secret) "no secret"
                Expect.hasLength (error.TrimEnd().Split '\n') 3 "a line for each, and the sum"
            })

        testCaseTask "sends the headers that the URLs were signed with" (fun () ->
            task {
                use! scene = scene ()
                let out = bundle scene [ "a"; "b" ]

                let headers = [
                    "x-amz-object-lock-mode", "COMPLIANCE"
                    "x-amz-meta-run", "42"
                    "content-type", "text/plain"
                ]

                let urls =
                    [ "a"; "b" ]
                    |> List.map (fun name ->
                        let url =
                            scene.Server.Presign(
                                "PUT",
                                bucket,
                                $"cell-7/{name}",
                                headers = Dictionary(dict headers)
                            )

                        name, url)
                    |> dict
                    |> Dictionary

                let manifest = scene.Folder.Write("urls.json", JsonSerializer.Serialize urls)
                let variables = [ urlsFileVariable, manifest ]

                let asked =
                    headers
                    |> List.collect (fun (name, value) -> [ "--header"; $"{name}: {value}" ])

                let! struct (code, output, error) = push scene variables (asked @ [ out ])
                Expect.equal code 0 error
                objects output |> List.iter scene.IsTrue

                for name in [ "a"; "b" ] do
                    let stored = Expect.wantSome (scene.Stored $"cell-7/{name}") name

                    for header, value in headers do
                        Expect.equal stored.Headers[header] value header

                let before = scene.Server.Requests.Count
                let! struct (code, output, told) = push scene variables [ out ]
                Expect.equal (code, output) (2, "") "without them"
                Expect.stringContains told "'x-amz-meta-run'" "which"
                Expect.stringContains told "--header" "how to supply it"

                Expect.equal scene.Server.Requests.Count before "nothing was sent"

                let! struct (code, output, error) =
                    runToolIn variables [ "check"; "--spec"; scene.Spec; "--cell-id"; "cell-7" ]

                Expect.equal code 0 error
                Expect.stringContains output "advice signed-headers" "check tells of it beforehand"
            })

        testCaseTask "exports what the spec lists, and what is missing ends only itself" (fun () ->
            task {
                use! scene = scene ()
                File.WriteAllText(scene.Spec, listed)
                bundle scene [ "stdout.txt" ] |> ignore
                let variables = scene.Manifest("cell-7", [ "logs/stdout.txt"; "report" ])

                let! struct (code, output, error) =
                    push scene variables [ "--root"; scene.Folder.Path ]

                Expect.equal code 1 error

                let exported, failed =
                    objects output |> List.partition (fun json -> text "sha256" json <> "")

                scene.IsTrue(List.exactlyOne exported)
                let failed = List.exactlyOne failed
                Expect.equal (text "artifactName" failed) "report" "which"
                Expect.equal (text "cellId" failed) "cell-7" "of which cell"
                Expect.equal (text "destination" failed) "s3://my-cellos-evidence/cell-7/report" "where to"
                let error = failed.GetProperty "error"
                Expect.equal (text "kind" error) "SourceNotFound" "why"
                Expect.equal (text "attempts" error) "0" "without a request"
            })

        testCaseTask "tells of a refused artifact what the server said, and goes on" (fun () ->
            task {
                use! scene = scene ()
                let names = [ for i in 1..20 -> $"a{i}" ]
                let out = bundle scene names
                scene.Server.MisbehaveAlways(bucket, "cell-7/a7", Fault.Status(403, "AccessDenied"))
                scene.Server.Misbehave(bucket, "cell-7/a9", Fault.Status(503, "SlowDown"))

                let! struct (code, output, error) =
                    push scene (scene.Manifest("cell-7", names)) [ out; "--quiet" ]

                Expect.equal code 1 "one failed"

                let exported, failed =
                    objects output |> List.partition (fun json -> text "sha256" json <> "")

                Expect.hasLength exported 19 "the others"
                exported |> List.iter scene.IsTrue
                let error' = (List.exactlyOne failed).GetProperty "error"

                Expect.equal
                    (text "kind" error', text "status" error', text "code" error', text "attempts" error')
                    ("Refused", "403", "AccessDenied", "1")
                    "what the server said"

                Expect.hasLength (error.TrimEnd().Split '\n') 1 "quiet: failures and notes only"
                Expect.stringContains error "a7" "which"
            })

        testCaseTask "needs no network to refuse" (fun () ->
            task {
                use! scene = scene ()
                let out = bundle scene [ "a"; "b/a" ]
                let manifest = scene.Manifest("cell-7", [ "a"; "b/a" ])

                let lacking =
                    scene.Folder.Write("lacking.json", """{"other": "http://127.0.0.1/a"}""")

                let broken = scene.Folder.Write("broken.json", "{")
                let notes = scene.Folder.Write("notes.txt", "no receipts, and no line end")
                let link = scene.Folder.At "link"
                File.CreateSymbolicLink(link, out) |> ignore
                Directory.CreateDirectory(scene.Folder.At "empty") |> ignore

                let cases = [
                    "no URL", [], [ out ], urlVariable
                    "a PATH that is not there", manifest, [ out; scene.Folder.At "none" ], "none"
                    "a PATH that is a link", manifest, [ link ], "link"
                    "one name twice",
                    manifest,
                    [ out; scene.Folder.At "out/b/a" ],
                    "'a' is given more than once"
                    "a manifest that lacks every artifact", [ urlsFileVariable, lacking ], [ out ], "'b/a'"
                    "a manifest that is not JSON", [ urlsFileVariable, broken ], [ out ], "not valid JSON"
                    "nothing to export", manifest, [], "nothing to export"
                    "a root that is none",
                    manifest,
                    [ "--root"; scene.Folder.At "none" ],
                    "nothing to export"
                    "receipts in no folder",
                    manifest,
                    [ out; "--receipts"; scene.Folder.At "none/r" ],
                    "none"
                    "receipts in a folder", manifest, [ out; "--receipts"; out ], "folder"
                    "receipts in another file", manifest, [ out; "--receipts"; notes ], "notes.txt"
                    "junk for a number", manifest, [ out; "--concurrency"; "0" ], "--concurrency"
                    "a target that is none", manifest, [ out; "--target"; "x" ], "'artifact-bucket'"
                    "an option that is none", manifest, [ out; "--fast" ], "--fast"
                    "--resume without receipts", manifest, [ out; "--resume" ], "--receipts"
                ]

                for name, variables, arguments, what in cases do
                    let! struct (code, output, error) = push scene variables arguments
                    Expect.equal (code, output) (2, "") $"{name}: {error}"
                    Expect.stringContains error what name
                    Expect.isFalse (error.Contains "   at ") "no stack"

                let! struct (code, _, error) =
                    runToolIn manifest [ "push"; "--spec"; scene.Spec; "--cell-id"; "a/b"; out ]

                Expect.equal code 2 "a cell id that is none"
                Expect.stringContains error "--cell-id" "which"
                Expect.isEmpty scene.Server.Requests "nothing was sent"
                Expect.equal (File.ReadAllText notes) "no receipts, and no line end" "nothing was touched"
            })

        testCaseTask "of a spec without targets that it serves, or with several, says so" (fun () ->
            task {
                use! scene = scene ()
                let out = bundle scene [ "a" ]
                File.WriteAllText(scene.Spec, "export: {targets: [{name: x, kind: ftp}]}")
                let! struct (code, _, error) = push scene [] [ out ]
                Expect.equal code 2 "none"
                Expect.stringContains error "no target of kind s3, local or http" "said so"
                File.WriteAllText(scene.Spec, seedSpec + "    - {name: second, kind: s3, bucket: b}\n")
                let! struct (code, _, error) = push scene [] [ out ]
                Expect.equal code 2 "two"
                Expect.stringContains error "--target artifact-bucket or second" "said so"

                let! struct (code, _, error) =
                    push scene (scene.Manifest("cell-7", [ "a" ])) [ out; "--target"; "artifact-bucket" ]

                Expect.equal code 0 $"one of them, whose variables are set: {error}"
            })

        testCaseTask "never leaves the artifact root by a link" (fun () ->
            task {
                use! scene = scene ()
                File.WriteAllText(scene.Spec, listed)
                scene.Folder.Write("elsewhere/stdout.txt", "not of this cell") |> ignore
                let root = scene.Folder.At "root"
                Directory.CreateDirectory root |> ignore

                File.CreateSymbolicLink(Path.Join(root, "out"), scene.Folder.At "elsewhere")
                |> ignore

                let variables = scene.Manifest("cell-7", [ "logs/stdout.txt"; "report" ])
                let! struct (code, output, _) = push scene variables [ "--root"; root ]
                Expect.equal code 1 "both failed"

                Expect.equal
                    (objects output
                     |> List.map (fun json -> text "kind" (json.GetProperty "error"))
                     |> List.distinct)
                    [ "SourceNotAFile" ]
                    "links are not followed"

                Expect.isEmpty scene.Server.Requests "nothing was sent"
            })

        testCaseTask "a folder that is replaced by a link while the push runs leads nowhere" (fun () ->
            task {
                for what in [ "PATH"; "files"; "spec" ] do
                    for replaced in [ "out/deep"; "out" ] do
                        use! scene = sceneBehind true
                        bundle scene [ "a"; "deep/x"; "deep/y" ] |> ignore

                        for name in [ "a"; "deep/x"; "deep/y"; "x"; "y" ] do
                            scene.Folder.Write($"elsewhere/{name}", "not of this cell") |> ignore

                        let artifact name =
                            $"    - {{name: {name}, path: {name}}}\n"

                        File.WriteAllText(
                            scene.Spec,
                            seedSpec
                            + "  artifacts:\n"
                            + String.Join("", List.map artifact [ "a"; "deep/x"; "deep/y" ])
                        )

                        let arguments =
                            match what with
                            | "PATH" -> [ scene.Folder.At "out" ]
                            | "files" -> [
                                for name in [ "a"; "deep/x"; "deep/y" ] -> scene.Folder.At $"out/{name}"
                              ]
                            | _ -> [ "--root"; scene.Folder.At "out" ]

                        // The first artifact is on its way; the others are opened later.
                        scene.Server.OnAttempt <-
                            fun request ->
                                if request.Key.EndsWith "/a" then
                                    let path = scene.Folder.At replaced
                                    Directory.Move(path, path + "-before")

                                    Directory.CreateSymbolicLink(path, scene.Folder.At "elsewhere") |> ignore

                                Fault.None

                        let! struct (code, output, error) =
                            push scene scene.SeedVariables ([ "--concurrency"; "1" ] @ arguments)

                        let results = objects output
                        Expect.hasLength results 3 $"{what}, {replaced}: {error}"

                        for KeyValue(_, stored) in scene.Server.Objects do
                            Expect.notEqual
                                stored.Sha256
                                (sha256 "not of this cell"B)
                                $"{what}, {replaced}: nothing from elsewhere"

                        // The root is the folder that was opened, wherever it is now; below it no link is followed.
                        if replaced = "out" || what = "files" then
                            Expect.equal code 0 error
                            results |> List.iter scene.IsTrue
                        else
                            Expect.equal code 1 error

                            Expect.equal
                                [
                                    for result in results do
                                        match result.TryGetProperty "error" with
                                        | true, failure -> text "kind" failure
                                        | _ -> "exported"
                                ]
                                [ "exported"; "SourceNotAFile"; "SourceNotAFile" ]
                                "the link is named"

                            Expect.stringContains
                                error
                                (scene.Folder.At "out/deep" + " is a symbolic link")
                                "the link"
            })

        testCaseTask "does not resume by what lies behind a link" (fun () ->
            task {
                use! scene = scene ()
                File.WriteAllText(scene.Spec, listed)
                bundle scene [ "stdout.txt"; "deep/report.json" ] |> ignore
                let variables = scene.Manifest("cell-7", [ "logs/stdout.txt"; "report" ])

                let arguments = [
                    "--root"
                    scene.Folder.Path
                    "--receipts"
                    scene.Folder.At "r.jsonl"
                    "--resume"
                ]

                let! struct (code, _, error) = push scene variables arguments
                Expect.equal code 0 error
                Directory.Move(scene.Folder.At "out", scene.Folder.At "elsewhere")

                File.CreateSymbolicLink(scene.Folder.At "out", scene.Folder.At "elsewhere")
                |> ignore

                let! struct (code, output, _) = push scene variables arguments
                Expect.equal code 1 "both failed, whatever was receipted before"

                Expect.equal
                    (objects output |> List.map (fun json -> text "kind" (json.GetProperty "error")))
                    [ "SourceNotAFile"; "SourceNotAFile" ]
                    "links are not followed"
            })

        testCaseTask "rejects two targets that would write one object" (fun () ->
            task {
                use! scene = sceneBehind true
                bundle scene [ "report" ] |> ignore

                File.WriteAllText(
                    scene.Spec,
                    $"""export:
  targets:
    - name: first
      kind: s3
      bucket: {bucket}
    - name: second
      kind: s3
      bucket: {bucket}
  artifacts:
    - name: report
      path: out/report
      target: first
    - name: report
      path: out/report
      target: second
"""
                )

                let url =
                    $"{scene.Server.Endpoint}{bucket}/{{cell_id}}/{{artifact_name}}?X-Amz-Signature={secret}"

                let both other = [
                    "CELLOS_EXPORT_S3_PRESIGNED_URL__FIRST", url
                    "CELLOS_EXPORT_S3_PRESIGNED_URL__SECOND", other
                ]

                let! struct (code, output, error) =
                    push scene (both url) [ "--root"; scene.Folder.Path ]

                Expect.equal (code, output) (2, "") "nothing was sent"
                Expect.isEmpty scene.Server.Requests "no request"

                Expect.stringContains
                    error
                    "'report' of the target 'first' and 'report' of the target 'second' have URLs of the same object"
                    "both"

                Expect.isFalse (error.Contains secret) "no secret"

                for spelled in
                    [
                        url.Replace(bucket, "%6Dy-cellos-evidence")
                        url.Replace(bucket, $"x/../{bucket}")
                        url.Replace("http://", "HTTP://")
                    ] do
                    let! struct (code, _, error) =
                        push scene (both spelled) [ "--root"; scene.Folder.Path ]

                    Expect.equal code 2 spelled
                    Expect.stringContains error "have URLs of the same object" spelled

                // The same bucket and key on another host is another object.
                let! struct (code, _, error) =
                    push scene (both (url.Replace("127.0.0.1", "localhost"))) [ "--root"; scene.Folder.Path ]

                Expect.equal code 0 error

                // Other content under the same destination is not a copy: both hosts may be one store.
                let spec = File.ReadAllText scene.Spec

                File.Copy(
                    Path.Join(scene.Folder.Path, "out/report"),
                    Path.Join(scene.Folder.Path, "out/other")
                )

                let last = spec.LastIndexOf("out/report", System.StringComparison.Ordinal)
                File.WriteAllText(scene.Spec, spec.Remove(last, 10).Insert(last, "out/other"))

                for other in [ url.Replace("127.0.0.1", "localhost"); url.Replace(bucket, $"acme:{bucket}") ] do
                    let! struct (code, output, error) =
                        push scene (both other) [ "--root"; scene.Folder.Path ]

                    Expect.equal (code, output) (2, "") "nothing was sent"
                    Expect.stringContains error "are different files for the same destination" other
            })

        testCaseTask "names the artifacts for targets of other kinds, also with --quiet" (fun () ->
            task {
                use! scene = scene ()
                bundle scene [ "report" ] |> ignore

                File.WriteAllText(
                    scene.Spec,
                    seedSpec
                    + """    - name: archive
      kind: ftp
  artifacts:
    - name: report
      path: out/report
      target: artifact-bucket
    - name: copy-of-report
      path: /evidence/report
      target: archive
"""
                )

                let! struct (code, output, error) =
                    push scene (scene.Manifest("cell-7", [ "report" ])) [
                        "--root"
                        scene.Folder.Path
                        "--quiet"
                    ]

                Expect.equal code 0 error
                Expect.hasLength (objects output) 1 "one artifact"

                Expect.stringContains
                    error
                    "'copy-of-report' is for a target of a kind that this tool has no sink for: it does not export such artifacts."
                    "the note"
            })

        testCaseTask "keeps its own receipts file out of the bundle" (fun () ->
            task {
                use! scene = scene ()
                let out = bundle scene [ "a" ]
                let receipts = Path.Join(out, "receipts.jsonl")

                for round in 1..2 do
                    let! struct (code, output, error) =
                        push scene (scene.Manifest("cell-7", [ "a" ])) [ out; "--receipts"; receipts ]

                    Expect.equal code 0 $"round {round}: {error}"
                    Expect.hasLength (objects output) 1 "one artifact"

                let marks, receipts =
                    File.ReadAllLines receipts
                    |> Array.partition _.Contains("\"upload\":\"started\"")

                Expect.hasLength receipts 2 "a receipt a round"
                Expect.hasLength marks 1 "the second round overwrites the object"
            })

        testCaseTask "writes on standard output what the receipts file has" (fun () ->
            task {
                use! scene = scene ()
                let names = [ for i in 1..30 -> $"d{i % 3}/f{i}" ]
                let out = bundle scene names
                let receipts = scene.Folder.At "receipts.jsonl"

                let! struct (code, output, error) =
                    push scene (scene.Manifest("cell-7", names)) [
                        out
                        "--receipts"
                        receipts
                        "--concurrency"
                        "8"
                    ]

                Expect.equal code 0 error
                let lines = File.ReadAllLines receipts

                Expect.sequenceEqual
                    (Array.sort lines)
                    (output.Split('\n', StringSplitOptions.RemoveEmptyEntries) |> Array.sort)
                    "the same lines"

                for line in lines do
                    Expect.isOk (Receipt.parse line) line
            })

        testCaseTask "ends with 1 where the receipts cannot be written any more" (fun () ->
            task {
                use! scene = scene ()
                let names = [ for i in 1..200 -> $"f{i}" ]
                let out = bundle scene names
                let receipts = scene.Folder.At "receipts.jsonl"
                let variables = scene.Manifest("cell-7", names)

                let script =
                    // 16 blocks of 1 KiB: room for some twenty receipts; then EFBIG, as a full disk gives ENOSPC.
                    $"ulimit -f 16; exec {quotedTool} push --spec {quote scene.Spec} --cell-id cell-7 --concurrency 1 --receipts {quote receipts} {quote out}"

                // The runtime maps its code through files, unless told not to.
                let runtime = [ "DOTNET_EnableWriteXorExecute", "0" ]
                use child = new Child("bash", [ "-c"; script ], runtime @ variables)
                let! struct (code, output, error) = child.End()
                Expect.equal code 1 error
                Expect.stringContains error "receipts.jsonl" "which file"
                let told = objects output
                told |> List.iter scene.IsTrue
                let kept = (textOf receipts).Split('\n', StringSplitOptions.RemoveEmptyEntries)
                Expect.isGreaterThan kept.Length 3 "what fitted"
                Expect.equal scene.Server.Requests.Count (kept.Length + 1) "nothing new was begun"

                for line in kept do
                    Expect.isOk (Receipt.parse line) "no half line"

                let! struct (code, _, error) =
                    push scene variables [ out; "--receipts"; receipts; "--resume" ]

                Expect.equal code 0 $"and it can be resumed: {error}"

                let all =
                    File.ReadAllLines receipts
                    |> Array.map (fun l -> Expect.wantOk (Receipt.parse l) l)

                Expect.equal
                    (all |> Array.map _.ArtifactName |> Array.distinct |> Array.length)
                    200
                    "all of them"
            })

        testCaseTask "is interrupted cleanly" (fun () ->
            task {
                use! scene = scene ()
                let names = [ for i in 1..300 -> $"f{i}" ]
                let out = bundle scene names
                let receipts = scene.Folder.At "receipts.jsonl"
                // Ten are taken; the others would wait for ever.
                scene.Server.OnAttempt <-
                    fun _ ->
                        if scene.Server.Requests.Count > 10 then
                            Fault.Silence(afterBody = true)
                        else
                            Fault.None

                use child =
                    toolWith (scene.Manifest("cell-7", names)) [
                        "push"
                        "--spec"
                        scene.Spec
                        "--cell-id"
                        "cell-7"
                        "--receipts"
                        receipts
                        out
                    ]

                let! first = child.ReadLine()
                child.Signal 15
                let! struct (code, rest, error) = child.End()
                Expect.equal code 143 error
                let told = objects ((first |> Option.ofObj |> Option.defaultValue "") + "\n" + rest)
                Expect.isLessThan told.Length 11 "what was under way is given up"
                told |> List.iter scene.IsTrue

                Expect.sequenceEqual
                    (File.ReadAllLines receipts |> Seq.sort)
                    (told |> Seq.map _.GetRawText() |> Seq.sort)
                    "the receipts are those that were told"

                Expect.stringContains
                    error
                    "Interrupted. What has a receipt is exported; what was under way has none. Run the same command with --resume to export the rest."
                    "what to do"
            })

        testCaseTask
            "each signal that would end the process is an interruption, and the message names the next step"
            (fun () ->
                task {
                    if not (OperatingSystem.IsLinux()) then
                        skiptest "the numbers are those of Linux"

                    let again = "The next run exports everything again, unless you give --receipts FILE"

                    for signal, arguments, next in
                        [
                            1, [], again
                            2, [ "--receipts" ], "Run the same command with --resume to export the rest."
                            15,
                            [ "--resume"; "--receipts" ],
                            "Run the same command again to export the rest."
                            10, [], again
                            12, [], again
                            14, [], again
                            24, [], again
                            26, [], again
                            27, [], again
                        ]
                        |> List.filter (fun (signal, _, _) -> not (ignores signal "self")) do
                        use! scene = scene ()
                        let names = [ "a"; "b" ]
                        let out = bundle scene names

                        scene.Server.OnAttempt <-
                            fun request ->
                                if request.Key.EndsWith "b" then
                                    Fault.Silence(afterBody = true)
                                else
                                    Fault.None

                        use child =
                            toolWith (scene.Manifest("cell-7", names)) [
                                yield! [ "push"; "--spec"; scene.Spec; "--cell-id"; "cell-7"; out ]
                                yield! arguments

                                if arguments <> [] then
                                    scene.Folder.At "r.jsonl"
                            ]

                        let! first = child.ReadLine()
                        child.Signal signal
                        let! struct (code, rest, error) = child.End()
                        Expect.equal code (128 + signal) error
                        objects (string first) |> List.exactlyOne |> scene.IsTrue
                        Expect.equal rest "" "what was under way has no receipt"

                        Expect.stringContains
                            error
                            $"Interrupted. What has a receipt is exported; what was under way has none. {next}"
                            $"signal {signal}"
                })

        testCaseTask
            "a file that is replaced or emptied while it waits for its turn is not exported"
            (fun () ->
                task {
                    for disturbance in
                        [
                            "mv next next.1 && mv first next"
                            "cp next next.1 && : >next"
                            "rm next && : >next"
                        ] do
                        for isOfSpec in [ false; true ] do
                            use! scene = scene ()
                            let out = bundle scene [ "first"; "next" ]
                            let told = $"{disturbance}, of the spec: {isOfSpec}"

                            scene.Server.OnAttempt <-
                                fun request ->
                                    if request.Key.EndsWith "first" then
                                        shell $"cd \"$0\" && {disturbance}" out |> ignore

                                    Fault.None

                            if isOfSpec then
                                File.WriteAllText(
                                    scene.Spec,
                                    seedSpec
                                    + "  artifacts: [{name: first, path: first}, {name: next, path: next}]\n"
                                )

                            let! struct (code, output, error) =
                                push
                                    scene
                                    (scene.Manifest("cell-7", [ "first"; "next" ]))
                                    ("--concurrency=1" :: if isOfSpec then [ "--root"; out ] else [ out ])

                            Expect.equal code 1 $"{told}: {error}"
                            Expect.stringContains error "after it was listed" told

                            let failure =
                                objects output |> List.find (fun line -> text "artifactName" line = "next")

                            Expect.equal (text "kind" (failure.GetProperty "error")) "SourceChanged" told
                            Expect.isNone (scene.Stored "cell-7/next") told
                })

        testCaseTask
            "a file without links, at a mount point whose source was replaced, is exported"
            (fun () ->
                task {
                    use! scene = scene ()
                    let out = bundle scene [ "config" ]
                    scene.Folder.Write("source", "the evidence") |> ignore

                    // In a name space of its own, so that the mount ends with the process.
                    let mounted =
                        "cd \"$0\" && mount --bind source out/config && echo v2 >v2 && mv v2 source && test \"$(stat -c %h out/config)\" = 0"

                    let inside (script: string) (arguments: string list) =
                        new Child(
                            "unshare",
                            [ "--mount"; "--map-root-user"; "bash"; "-c"; script; scene.Folder.Path ]
                            @ arguments,
                            scene.Manifest("cell-7", [ "config" ])
                        )

                    use attempt = inside "cd \"$0\" && mount --bind source out/config" []
                    let! struct (canMount, _, _) = attempt.End()

                    if canMount <> 0 then
                        skiptest "this user cannot mount anything"

                    for path in [ out; Path.Join(out, "config") ] do
                        scene.Folder.Write("source", "the evidence") |> ignore

                        use child =
                            inside $"{mounted} && exec \"$@\"" [
                                yield! tool
                                "push"
                                "--spec"
                                scene.Spec
                                "--cell-id"
                                "cell-7"
                                path
                            ]

                        let! struct (code, output, error) = child.End()
                        Expect.equal code 0 error
                        let receipt = objects output |> List.exactlyOne
                        scene.IsTrue receipt

                        Expect.equal
                            (text "sha256" receipt)
                            (sha256 (Text.Encoding.UTF8.GetBytes "the evidence"))
                            "what a reader of the folder sees"
                })

        testCaseTask "a folder without a file is noted, and refused in strict mode" (fun () ->
            task {
                use! scene = scene ()
                File.WriteAllText(scene.Spec, seedSpec.Replace("us-west-2", "us-east-1"))
                let empty = Directory.CreateDirectory(scene.Folder.At "empty").FullName
                let variables = scene.Manifest("cell-7", [ "a" ])
                let strict = ("CELLOS_STRICT_CONFIG", "1") :: variables
                let full = bundle scene [ "a" ]

                for paths in [ [ empty ]; [ full; empty ] ] do
                    let! struct (code, _, error) = push scene variables paths
                    Expect.equal code 0 $"%A{paths}: {error}"
                    Expect.stringContains error "There is no file in" "a note"
                    let before = scene.Server.Requests.Count
                    let! struct (code, output, error) = push scene strict paths
                    Expect.equal (code, output) (2, "") $"%A{paths}: {error}"
                    Expect.stringContains error "There is no file in" "the reason"

                    Expect.stringContains
                        error
                        "CELLOS_STRICT_CONFIG=1 refuses folders without a file"
                        "the variable"

                    Expect.equal scene.Server.Requests.Count before "nothing was sent"
            })

        testCaseTask
            "a file that appears in a folder while the push runs is noted, and ends it with 1 in strict mode"
            (fun () ->
                task {
                    for disturbance, isNoted in
                        [
                            "cp a a.1 && : >a", true
                            "echo later >b/later", true
                            "mkdir later", true
                            "mv a a.1 && echo new >a", true
                            "rm a", false
                            "rm -r b", false
                            "rm -r b && echo file >b", true
                            "true", false
                        ] do
                        for isStrict in [ false; true ] do
                            use! scene = scene ()
                            File.WriteAllText(scene.Spec, seedSpec.Replace("us-west-2", "us-east-1"))
                            let out = bundle scene [ "a"; "b/z" ]
                            let told = $"{disturbance}, strict: {isStrict}"

                            // After the first one is read, and before the last one is stored.
                            scene.Server.OnAttempt <-
                                fun request ->
                                    if request.Key.EndsWith "z" then
                                        shell $"cd \"$0\" && {disturbance}" out |> ignore

                                    Fault.None

                            let variables = [
                                yield! scene.Manifest("cell-7", [ "a"; "b/z" ])

                                if isStrict then
                                    "CELLOS_STRICT_CONFIG", "1"
                            ]

                            // The tool makes its receipts file in the folder, which is no change.
                            let! struct (code, output, error) =
                                push scene variables [
                                    "--concurrency=1"
                                    "--receipts"
                                    Path.Join(out, "receipts")
                                    out
                                ]

                            Expect.equal
                                (error.Contains "changed while the push ran")
                                isNoted
                                $"{told}: {error}"

                            Expect.equal code (if isNoted && isStrict then 1 else 0) $"{told}: {error}"
                            Expect.hasLength (objects output) 2 told
                })

        testCaseTask "what a folder's listing leaves out is noted, and refused in strict mode" (fun () ->
            task {
                use! scene = scene ()
                let out = bundle scene [ "a" ]
                // Signed for the region of the spec: strict mode refuses another one.
                File.WriteAllText(scene.Spec, seedSpec.Replace("us-west-2", "us-east-1"))
                pipe (Path.Join(out, "pipe"))
                File.CreateSymbolicLink(Path.Join(out, "link"), Path.Join(out, "a")) |> ignore
                let variables = scene.Manifest("cell-7", [ "a" ])

                for quiet in [ []; [ "--quiet" ] ] do
                    let! struct (code, _, error) = push scene variables (out :: quiet)
                    Expect.equal code 0 error
                    Expect.stringContains error "pipe' is a pipe; it is left out" "a note"
                    Expect.stringContains error "link' is a symbolic link; it is left out" "another"

                let before = scene.Server.Requests.Count
                let strict = ("CELLOS_STRICT_CONFIG", "1") :: variables
                let! struct (code, output, error) = push scene strict [ out ]
                Expect.equal (code, output) (2, "") error
                Expect.stringContains error "pipe' is a pipe; it is left out" "the reason"
                Expect.stringContains error "link' is a symbolic link; it is left out" "the other"
                Expect.stringContains error "CELLOS_STRICT_CONFIG=1 refuses folders" "the variable"
                Expect.equal scene.Server.Requests.Count before "nothing was sent"

                let! struct (code, _, error) = push scene strict [ Path.Join(out, "a") ]
                Expect.equal code 0 error
            })
    ]
