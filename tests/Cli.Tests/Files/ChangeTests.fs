/// Content that changes while a push runs, and artifacts that a command leaves out.
module Cli.Tests.ChangeTests

open System
open System.IO
open System.Threading
open Expecto
open LoopbackS3
open Cli.Tests.Scene
open Cli.Tests.Support

/// A scene whose spec names the region that its server signs for: strict mode refuses another one.
let private signedScene () =
    task {
        let! scene = scene ()
        File.WriteAllText(scene.Spec, seedSpec.Replace("us-west-2", "us-east-1"))
        return scene
    }

let private push (scene: Scene) variables (arguments: string list) =
    runToolIn
        variables
        ([ "push"; "--spec"; scene.Spec; "--cell-id"; "cell-7"; "--concurrency=1" ]
         @ arguments)

let private strict = "CELLOS_STRICT_CONFIG", "1"

/// Runs a script in the folder of the scene after the first artifact was read, and before `z` is stored.
let private disturb (scene: Scene) (script: string) =
    scene.Server.OnAttempt <-
        fun request ->
            if request.Key.EndsWith "z" then
                shell $"cd \"$0\" && {script}" scene.Folder.Path |> ignore

            Fault.None

/// `a` atomically replaced, until the new file has the inode number of the one that was exported, where the file system
/// gives it again.
let private withSameInode =
    "cd out; i=$(stat -c %i a); n=0; until echo 'evidence of X' >.t && mv .t a && { [ $(stat -c %i a) = $i ] || [ $n -gt 100 ]; }; do n=$((n+1)); done"

/// What happens to the folder of the scene; what is noted of it: a part of the sentence, or nothing.
let private disturbances = [
    "echo more >>out/a", "out/a' changed after the export"
    withSameInode, "out/a' changed after the export"
    "cp out/a n; touch -d '2001-01-01' n; mv n out/a", "out/a' changed after the export"
    "rm out/a; mkfifo out/a", "out/a' changed after the export"
    "rm out/a; mkdir out/a", "out/a' changed after the export"
    // The folder was replaced: what was opened is exported, and what is there now is not.
    "mv out out.1; mkdir out; echo new >out/new", "out' was replaced by another folder while the push ran"
    "mv out out.1; ln -s out.1 out", "out' was replaced by another folder while the push ran"
    "mv out out.1; mkdir out", "out' was replaced by another folder while the push ran"
    // Nothing is lost.
    "rm out/a", ""
    "chmod 600 out/a", ""
    "ln out/a hard", ""
    "touch -a out/a", ""
    "mv out out.1", ""
]

[<Tests>]
let tests =
    testList "what changes while a push runs" [
        for script, note in disturbances do
            testCaseTask $"in a folder is noted, and ends strict mode with 1: {script}" (fun () ->
                task {
                    for isStrict in [ false; true ] do
                        use! scene = signedScene ()
                        scene.Folder.Write("out/a", "evidence of a") |> ignore
                        scene.Folder.Write("out/b/z", "evidence of z") |> ignore
                        // What follows gets another time stamp.
                        Thread.Sleep 20
                        disturb scene script

                        let! struct (code, output, error) =
                            push scene [
                                yield! scene.Manifest("cell-7", [ "a"; "b/z" ])

                                if isStrict then
                                    strict
                            ] [ "--quiet"; scene.Folder.At "out" ]

                        Expect.hasLength (objects output) 2 $"both are exported: {error}"
                        Expect.equal code (if isStrict && note <> "" then 1 else 0) error

                        if note = "" then
                            Expect.equal error "" "nothing to note"
                        else
                            Expect.stringContains error note "what changed"
                            Expect.stringContains error "--receipts FILE --resume" "what to do"
                })

        testCaseTask "is noted of a link that the path of a folder goes through" (fun () ->
            task {
                use! scene = signedScene ()
                scene.Folder.Write("one/out/a", "evidence of a") |> ignore
                scene.Folder.Write("one/out/z", "evidence of z") |> ignore
                scene.Folder.Write("two/out/new", "evidence") |> ignore

                Directory.CreateSymbolicLink(scene.Folder.At "current", scene.Folder.At "one")
                |> ignore

                disturb scene "ln -sfn two current"

                let! struct (code, _, error) =
                    push scene (strict :: scene.Manifest("cell-7", [ "a"; "z" ])) [
                        scene.Folder.At "current/out"
                    ]

                Expect.equal code 1 error
                Expect.stringContains error "current/out' was replaced by another folder" "the folder"
            })

        testCaseTask
            "is noted of files that are PATHs, of the spec's, and of what has a receipt already"
            (fun () ->
                task {
                    for how in [ "PATHs"; "the spec"; "skipped" ] do
                        for script, isNoted in
                            [
                                "echo more >>out/a", true
                                "mv out out.1; mkdir out; echo new >out/a", true
                                "chmod 600 out/a", false
                                "rm out/a", false
                            ] do
                            use! scene = signedScene ()
                            let a = scene.Folder.Write("out/a", "evidence of a")
                            let z = scene.Folder.Write("out/z", "evidence of z")
                            let receipts = scene.Folder.At "r.jsonl"
                            let variables = strict :: scene.Manifest("cell-7", [ "a"; "z" ])

                            if how = "the spec" then
                                File.AppendAllText(
                                    scene.Spec,
                                    "  artifacts:\n    - {name: a, path: out/a}\n    - {name: z, path: out/z}\n"
                                )

                            if how = "skipped" then
                                let! struct (code, _, error) =
                                    push scene variables [ "--receipts"; receipts; a ]

                                Expect.equal code 0 error

                            Thread.Sleep 20
                            disturb scene script

                            let! struct (code, _, error) =
                                push scene variables [
                                    match how with
                                    | "the spec" ->
                                        "--root"
                                        scene.Folder.Path
                                    | "PATHs" ->
                                        a
                                        z
                                    | _ ->
                                        "--receipts"
                                        receipts
                                        "--resume"
                                        a
                                        z
                                ]

                            let told = $"{how}, {script}: {error}"
                            Expect.equal code (if isNoted then 1 else 0) told
                            Expect.equal (error.Contains "out/a' changed after the export") isNoted told
                })

        testCaseTask "is exported by the command that the note names" (fun () ->
            task {
                use! scene = signedScene ()
                scene.Folder.Write("out/a", "evidence of a") |> ignore
                scene.Folder.Write("out/z", "evidence of z") |> ignore
                Thread.Sleep 20
                disturb scene "echo more >>out/a"

                let command = [ "--receipts"; scene.Folder.At "r.jsonl"; "--resume"; scene.Folder.At "out" ]

                let variables = strict :: scene.Manifest("cell-7", [ "a"; "z" ])
                let! struct (code, _, error) = push scene variables command
                Expect.equal code 1 error
                let! struct (code, output, error) = push scene variables command
                Expect.equal code 0 error
                let receipt = objects output |> List.exactlyOne
                Expect.equal (text "artifactName" receipt) "a" "which"
                scene.IsTrue receipt
            })
    ]

/// The lists of a spec with one good artifact, and others in the wrong place.
let private misplaced = [
    "artifacts:\n  - {name: y, path: y}\n", "artifacts"
    "targets:\n  - {name: t, kind: s3, bucket: other}\n", "targets"
    "spec:\n  artifacts:\n    - {name: y, path: y}\n", "artifacts"
    "spec:\n  exports:\n    artifacts:\n      - {name: y, path: y}\n", "exports"
    "exprot:\n  artifacts:\n    - {name: y, path: y}\n", "exprot"
    "Export:\n  artifacts:\n    - {name: y, path: y}\n", "Export"
    "artefacts:\n  - {name: y, path: y}\n", "artefacts"
    "  artefacts:\n    - {name: y, path: y}\n", "artefacts"
]

[<Tests>]
let omissions =
    testList "artifacts that a command leaves out" [
        testCaseTask
            "in the wrong place of a spec are a warning, also with --quiet, which strict mode refuses"
            (fun () ->
                task {
                    for lines, key in misplaced do
                        use! scene = signedScene ()
                        scene.Folder.Write("x", "evidence") |> ignore

                        File.AppendAllText(scene.Spec, "  artifacts:\n    - {name: x, path: x}\n" + lines)

                        let variables = scene.Manifest("cell-7", [ "x" ])
                        let arguments = [ "--root"; scene.Folder.Path; "--quiet" ]
                        let! struct (code, output, error) = push scene variables arguments
                        Expect.equal code 0 error
                        Expect.hasLength (objects output) 1 "what is in the right place"
                        Expect.stringContains error $"warning unknown-key: {key}: " lines
                        Expect.stringContains error "(line " "where"

                        let! struct (code, output, error) = push scene (strict :: variables) arguments
                        Expect.equal (code, output) (2, "") error
                        Expect.stringContains error $"{key}: nothing reads this key" lines
                })

        testCaseTask "because of PATHs or --target are noted with their number, also with --quiet" (fun () ->
            task {
                use! scene = signedScene ()

                scene.Folder.Write(
                    "cell.yaml",
                    """export:
  targets:
    - {name: artifact-bucket, kind: s3, bucket: my-cellos-evidence, region: us-east-1}
    - {name: second, kind: s3, bucket: my-cellos-evidence, region: us-east-1, keyPrefix: b}
  artifacts:
    - {name: x, path: x, target: artifact-bucket}
    - {name: y, path: y, target: second}
    - {name: z, path: z, target: second}
"""
                )
                |> ignore

                for name in [ "x"; "y"; "z"; "out/a" ] do
                    scene.Folder.Write(name, name) |> ignore

                let variables = strict :: scene.Manifest("cell-7", [ "x"; "a" ])
                let target = [ "--quiet"; "--target"; "artifact-bucket" ]

                let! struct (code, output, error) =
                    push scene variables (target @ [ "--root"; scene.Folder.Path ])

                Expect.equal code 0 error
                Expect.hasLength (objects output) 1 "the one of the target"

                Expect.stringContains
                    error
                    "The spec lists 2 artifacts for other targets than 'artifact-bucket'"
                    "the others"

                let! struct (code, output, error) =
                    push scene variables (target @ [ scene.Folder.At "out" ])

                Expect.equal code 0 error
                Expect.hasLength (objects output) 1 "the one of the folder"
                Expect.stringContains error "The spec lists 1 artifact for this target" "the spec's"
                Expect.stringContains error "The spec lists 2 artifacts for other targets" "the others"
            })

        testCaseTask "since this user may not open them end check with 2, an error each" (fun () ->
            task {
                use! scene = signedScene ()
                // Root may read any file, unless it has given that up.
                let drop = "-dac_override,-dac_read_search"

                let command =
                    if Environment.UserName <> "root" then
                        tool
                    elif has "setpriv" then
                        [ "setpriv"; $"--inh-caps={drop}"; $"--bounding-set={drop}" ] @ tool
                    else
                        skiptest "root may read any file"

                let names = [ "a"; "b"; "c" ]
                let variables = scene.Manifest("cell-7", names)

                for name in names do
                    scene.Folder.Write($"out/{name}", name) |> ignore

                for name in [ "b"; "c" ] do
                    File.SetUnixFileMode(scene.Folder.At $"out/{name}", UnixFileMode.None)

                let check (arguments: string list) =
                    task {
                        use child =
                            childOf
                                command
                                variables
                                ([ "check"; "--spec"; scene.Spec; "--cell-id"; "cell-7" ] @ arguments)

                        return! child.End()
                    }

                let isReported told (struct (code, output: string, _: string)) =
                    Expect.equal code 2 $"{told}: {output}"

                    for name in [ "b"; "c" ] do
                        Expect.stringContains
                            output
                            $"error artifact-unreadable: target 'artifact-bucket': artifacts: the file {scene.Folder.Path}/out/{name} may not be read by this user"
                            told

                    Expect.isFalse (output.Contains "out/a may not") told
                    Expect.stringContains output "Not every artifact can be exported" told

                let! found = check [ scene.Folder.At "out" ]
                isReported "a folder" found

                File.AppendAllText(scene.Spec, "  artifacts:\n")

                for name in names do
                    File.AppendAllText(scene.Spec, $"    - {{name: {name}, path: out/{name}}}\n")

                let! found = check [ "--root"; scene.Folder.Path ]
                isReported "the spec" found

                File.SetUnixFileMode(scene.Folder.At "out/b", UnixFileMode.UserRead)
                File.SetUnixFileMode(scene.Folder.At "out/c", UnixFileMode.UserRead)
                let! struct (code, output, _) = check [ "--root"; scene.Folder.Path ]
                Expect.equal code 0 $"all can be read: {output}"
            })
    ]
