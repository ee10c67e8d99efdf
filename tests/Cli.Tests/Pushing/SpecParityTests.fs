/// Specs in the form of the family, by the tool.
module Cli.Tests.SpecParityTests

open System
open System.IO
open Expecto
open Cli.Tests.Scene
open Cli.Tests.Support

/// A spec of the family for a cell, with an artifact by its path.
let private family (scene: Scene) (path: string) =
    File.WriteAllText(
        scene.Spec,
        $"""apiVersion: cellos.io/v1
kind: ExecutionCell
spec:
  id: cell-7
  run: {{command: [x]}}
  export:
    targets:
      - name: artifact-bucket
        kind: s3
        bucket: {bucket}
    artifacts:
      - name: report.json
        path: {path}
"""
    )

let private report (scene: Scene) =
    scene.Folder.Write("out/report.json", "{}")

let private isExported (scene: Scene) (code: int) (output: string) (error: string) =
    Expect.equal code 0 error
    let receipt = objects output |> Seq.exactlyOne
    Expect.equal (text "cellId" receipt) "cell-7" "the spec's cell"
    scene.IsTrue receipt
    Expect.isSome (scene.Stored "cell-7/report.json") "below its cell"

[<Tests>]
let tests =
    testList "the family's spec" [
        testCaseTask "names the cell, and a file by its absolute path below the root" (fun () ->
            task {
                use! scene = scene ()
                let path = report scene
                family scene path
                let variables = scene.Manifest("cell-7", [ "report.json" ])
                let root = scene.Folder.At "out"

                let! struct (code, output, error) =
                    runToolIn variables [ "check"; "--spec"; scene.Spec; "--root"; root ]

                Expect.equal code 0 $"{error}{output}"

                let! struct (code, output, error) =
                    runToolIn variables [ "push"; "--spec"; scene.Spec; "--root"; root ]

                isExported scene code output error

                // The current folder is the root by default.
                use child =
                    new Child(
                        "sh",
                        [
                            "-c"
                            $"cd \"$0\" && exec {quotedTool} push --spec \"$1\""
                            scene.Folder.Path
                            scene.Spec
                        ],
                        variables
                    )

                let! struct (code, output, error) = child.End()
                isExported scene code output error
            })

        testCaseTask "is the same in JSON" (fun () ->
            task {
                use! scene = scene ()
                let path = report scene

                File.WriteAllText(
                    scene.Spec,
                    """{"apiVersion": "cellos.io/v1", "kind": "ExecutionCell", "spec": {"id": "cell-7", "export": {
                        "targets": [{"name": "artifact-bucket", "kind": "s3", "bucket": "BUCKET"}],
                        "artifacts": [{"name": "report.json", "path": "PATH"}]}}}"""
                        .Replace("BUCKET", bucket)
                        .Replace("PATH", path)
                )

                let! struct (code, output, error) =
                    runToolIn (scene.Manifest("cell-7", [ "report.json" ])) [
                        "push"
                        "--spec"
                        scene.Spec
                        "--cell-id"
                        "cell-7"
                        "--root"
                        scene.Folder.Path
                    ]

                isExported scene code output error
            })

        testCaseTask "refuses another cell than its own, and shows both" (fun () ->
            task {
                use! scene = scene ()
                family scene (report scene)
                let variables = scene.Manifest("cell-8", [ "report.json" ])

                for command in [ "push"; "check" ] do
                    for more in [ []; [ scene.Folder.At "out" ] ] do
                        let! struct (code, output, error) =
                            runToolIn
                                variables
                                ([
                                    command
                                    "--spec"
                                    scene.Spec
                                    "--cell-id"
                                    "cell-8"
                                    "--root"
                                    scene.Folder.Path
                                 ]
                                 @ more)

                        Expect.equal code 2 $"{error}{output}"

                        Expect.stringContains
                            error
                            "The spec is for the cell 'cell-7' ('id' of 'spec'), and the cell id is given as 'cell-8'."
                            command

                Expect.isEmpty scene.Server.Objects "nothing was sent"
            })

        testCaseTask "without an id needs --cell-id where a key is made" (fun () ->
            task {
                use! scene = scene ()
                let path = report scene

                for arguments, who in
                    [
                        [ "push"; path ], "push needs --cell-id"
                        [ "check"; path ], "report.json' needs --cell-id"
                        [ "check"; "--probe" ], "--probe needs --cell-id"
                    ] do
                    let! struct (code, output, error) =
                        runToolIn
                            (scene.Manifest("cell-7", [ "report.json" ]))
                            (arguments @ [ "--spec"; scene.Spec ])

                    Expect.equal code 2 error
                    Expect.equal output "" "nothing"
                    Expect.stringContains error who who

                Expect.isEmpty scene.Server.Objects "nothing was sent"
            })

        testCaseTask "refuses an absolute path that is not below the root, with its line" (fun () ->
            task {
                use! scene = scene ()
                let path = report scene
                let variables = scene.Manifest("cell-7", [ "report.json" ])
                let other = Directory.CreateDirectory(scene.Folder.At "other").FullName

                for path, sentence in
                    [
                        path, "is not below the artifact root"
                        other, "names the artifact root itself"
                        $"{other}/../out/report.json", "leads out of the artifact root ('..')"
                        $"{other}2/x", "is not below the artifact root"
                    ] do
                    family scene path

                    for command in [ "push"; "check" ] do
                        let! struct (code, output, error) =
                            runToolIn variables [ command; "--spec"; scene.Spec; "--root"; other ]

                        Expect.equal code 2 $"{path}: {error}{output}"

                        Expect.stringContains
                            error
                            "cell.yaml:12: artifact 'report.json': The path"
                            "the place"

                        Expect.stringContains error sentence path

                Expect.isEmpty scene.Server.Objects "nothing was sent"
            })

        testCaseTask "follows a link to the root, and none below it" (fun () ->
            task {
                if OperatingSystem.IsLinux() then
                    use! scene = scene ()
                    let path = report scene
                    let out = scene.Folder.At "out"
                    let link = scene.Folder.At "link"
                    Directory.CreateSymbolicLink(link, out) |> ignore
                    let variables = scene.Manifest("cell-7", [ "report.json" ])

                    for root, path in [ link, Path.Join(link, "report.json"); link, path ] do
                        family scene path

                        let! struct (code, output, error) =
                            runToolIn variables [ "push"; "--spec"; scene.Spec; "--root"; root ]

                        isExported scene code output error

                    // The link is below this root, and the path leads through it.
                    family scene (Path.Join(link, "report.json"))

                    let! struct (code, output, error) =
                        runToolIn variables [ "push"; "--spec"; scene.Spec; "--root"; scene.Folder.Path ]

                    Expect.equal code 1 $"{error}{output}"
                    Expect.stringContains error "symbolic link" "the reason"

                    // 'alias/..' is the folder 'real', and looks like the one above 'out'.
                    scene.Folder.Write("real/out/report.json", "another file") |> ignore

                    Directory.CreateSymbolicLink(scene.Folder.At "alias", scene.Folder.At "real/out")
                    |> ignore

                    family scene path

                    let! struct (code, output, error) =
                        runToolIn variables [
                            "push"
                            "--spec"
                            scene.Spec
                            "--root"
                            scene.Folder.At "alias/../out"
                        ]

                    Expect.equal code 2 $"{error}{output}"
                    Expect.stringContains error "is not below the artifact root" "it is not there"
            })
    ]
