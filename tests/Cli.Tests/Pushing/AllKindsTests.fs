/// Specs with targets of all kinds, by the tool.
module Cli.Tests.AllKindsTests

open System
open System.IO
open Expecto
open Cli.Tests.Scene
open Cli.Tests.Support

let private token = "sekrit.token-1"

/// A spec of the family with an artifact for each kind, and one without a target.
let private family (scene: Scene) =
    for name in [ "s3.json"; "local.json"; "http.json"; "any.json" ] do
        scene.Folder.Write("out/" + name, $"{{\"name\":\"{name}\"}}") |> ignore

    File.WriteAllText(
        scene.Spec,
        $"""apiVersion: cellos.io/v1
kind: ExecutionCell
spec:
  id: cell-7
  export:
    targets:
      - {{name: artifact-bucket, kind: s3, bucket: {bucket}}}
      - {{name: archive, kind: local}}
      - {{name: web, kind: http}}
    artifacts:
      - {{name: s3.json, path: s3.json, target: artifact-bucket}}
      - {{name: local.json, path: local.json, target: archive}}
      - {{name: http.json, path: http.json, target: web}}
      - {{name: any.json, path: any.json}}
"""
    )

let private variables (scene: Scene) =
    scene.SeedVariables
    @ [
        "CELLOS_EXPORT_DIR", scene.Folder.At "export"
        "CELLOS_EXPORT_HTTP_BASE_URL__WEB", $"{scene.Server.Endpoint}{bucket}/web"
        "CELLOS_EXPORT_HTTP_BEARER_TOKEN__WEB", token
    ]

let private push (scene: Scene) variables arguments =
    runToolIn variables ([ "push"; "--spec"; scene.Spec; "--root"; scene.Folder.At "out" ] @ arguments)

let private local (scene: Scene) (name: string) =
    Path.Combine(scene.Folder.At "export", "cell-7", name)

[<Tests>]
let tests =
    testList "all kinds of targets" [
        testCaseTask "one push exports through all of them, and the receipts say where" (fun () ->
            task {
                use! scene = sceneBehind true
                family scene
                let receipts = scene.Folder.At "receipts.jsonl"

                let! struct (code, output, error) =
                    push scene (variables scene) [ "--receipts"; receipts ]

                Expect.equal code 0 error

                let all =
                    objects output
                    |> List.map (fun receipt ->
                        text "artifactName" receipt,
                        (text "targetKind" receipt, text "targetName" receipt, text "integrity" receipt))
                    |> Map.ofList

                Expect.equal all.Count 4 output
                let kind, target, _ = all["s3.json"]
                Expect.equal (kind, target) ("s3", "artifact-bucket") "S3"
                Expect.equal all["local.json"] ("localPath", "archive", "checksum-sha256") "local"
                let kind, target, _ = all["http.json"]
                Expect.equal (kind, target) ("http", "web") "HTTP"
                Expect.equal all["any.json"] ("localPath", "", "checksum-sha256") "the default sink"
                Expect.isSome (scene.Stored "cell-7/s3.json") "in the bucket"
                Expect.isSome (scene.Stored "web/cell-7/http.json") "at the endpoint"

                for name in [ "local.json"; "any.json" ] do
                    Expect.equal
                        (File.ReadAllText(local scene name))
                        (File.ReadAllText(scene.Folder.At("out/" + name)))
                        name

                for shown in [ output; error; File.ReadAllText receipts ] do
                    Expect.isFalse (shown.Contains token) "no token"
            })

        testCaseTask "a resumed push leaves out what has a receipt, of each kind" (fun () ->
            task {
                use! scene = sceneBehind true
                family scene
                let receipts = scene.Folder.At "receipts.jsonl"
                let resumed = [ "--receipts"; receipts; "--resume"; "--accept-unverified" ]
                let! struct (code, _, error) = push scene (variables scene) resumed
                Expect.equal code 0 error
                let before = Seq.length scene.Server.Requests
                let! struct (code, output, error) = push scene (variables scene) resumed
                Expect.equal code 0 error
                Expect.equal output "" "nothing is exported again"
                Expect.equal (Seq.length scene.Server.Requests) before "nothing was sent"
                scene.Folder.Write("out/local.json", "other") |> ignore

                let! struct (code, output, error) =
                    push scene (("CELLOS_EXPORT_LOCAL_OVERWRITE", "1") :: variables scene) resumed

                Expect.equal code 0 error

                Expect.equal
                    (objects output |> List.map (text "artifactName"))
                    [ "local.json" ]
                    "what changed"

                Expect.equal (File.ReadAllText(local scene "local.json")) "other" "its content"
            })

        testCaseTask "events name the kind and the target" (fun () ->
            task {
                use! scene = sceneBehind true
                family scene

                let! struct (code, output, error) =
                    push scene (variables scene) [ "--format"; "cloudevents" ]

                Expect.equal code 0 error

                let kinds =
                    objects output
                    |> List.map (fun event -> text "targetKind" (event.GetProperty "data"))
                    |> List.sort

                Expect.equal kinds [ "http"; "localPath"; "localPath"; "s3" ] ""
            })

        testCaseTask "check shows all kinds and the default sink, and no token" (fun () ->
            task {
                use! scene = sceneBehind true
                family scene
                let arguments = [ "check"; "--spec"; scene.Spec; "--root"; scene.Folder.At "out" ]
                let! struct (code, output, error) = runToolIn (variables scene) arguments
                Expect.equal code 0 $"{output}{error}"

                for word in
                    [
                        "target archive"
                        "target web"
                        "default sink"
                        "exportFolder"
                        "baseUrl"
                        "3 targets"
                    ] do
                    if word <> "3 targets" then
                        Expect.stringContains output word ""

                Expect.isFalse (output.Contains token) "no token"

                let! struct (code, output, _) =
                    runToolIn (variables scene) (arguments @ [ "--json" ])

                Expect.equal code 0 output

                let targets = [
                    for target in
                        (System.Text.Json.JsonDocument.Parse(output).RootElement.GetProperty "targets")
                            .EnumerateArray() -> text "name" target, text "kind" target
                ]

                Expect.equal
                    targets
                    [ "artifact-bucket", ""; "archive", "local"; "web", "http"; "", "local" ]
                    "with their kinds"
            })

        testCaseTask "what is wrong with each kind is refused before anything is sent" (fun () ->
            task {
                use! scene = sceneBehind true
                family scene

                let! struct (code, _, error) = push scene scene.SeedVariables []

                Expect.equal code 2 error

                for word in [ "CELLOS_EXPORT_DIR"; "'any.json'" ] do
                    Expect.stringContains error word ""

                Expect.isEmpty scene.Server.Requests "nothing was sent"
            })

        testCaseTask "PATHs go to the default sink, or to the target that is named" (fun () ->
            task {
                use! scene = sceneBehind true
                family scene
                let path = scene.Folder.At "out/any.json"

                let! struct (code, output, error) =
                    runToolIn (variables scene) [ "push"; "--spec"; scene.Spec; path ]

                Expect.equal code 0 error

                Expect.equal
                    (objects output |> List.map (text "targetKind"))
                    [ "localPath" ]
                    "the default sink"

                let! struct (code, output, error) =
                    runToolIn (variables scene) [ "push"; "--spec"; scene.Spec; "--target"; "web"; path ]

                Expect.equal code 0 error

                Expect.equal
                    (objects output |> List.map (text "targetKind"))
                    [ "http" ]
                    "the one that is named"
            })

        testCaseTask "names with '/' are refused for a local target, all at once" (fun () ->
            task {
                use! scene = sceneBehind true
                family scene
                scene.Folder.Write("deep/logs/a.txt", "a") |> ignore
                scene.Folder.Write("deep/logs/b.txt", "b") |> ignore

                let! struct (code, _, error) =
                    runToolIn (variables scene) [
                        "push"
                        "--spec"
                        scene.Spec
                        "--target"
                        "archive"
                        scene.Folder.At "deep"
                    ]

                Expect.equal code 2 error

                for word in [ "logs/a.txt"; "logs/b.txt"; "the local sink" ] do
                    Expect.stringContains error word ""

                Expect.isFalse (Directory.Exists(scene.Folder.At "export")) "nothing was written"
            })

        testCaseTask
            "a killed push leaves no half file under its name, and the next one completes it"
            (fun () ->
                task {
                    use! scene = sceneBehind true
                    File.WriteAllText(scene.Spec, "export: {targets: [{name: archive, kind: local}]}")
                    let names = [ for i in 1..60 -> $"a{i:D3}.bin" ]
                    let random = Random 7
                    Directory.CreateDirectory(scene.Folder.At "many") |> ignore

                    for name in names do
                        let bytes = Array.zeroCreate<byte> 400_000
                        random.NextBytes bytes
                        File.WriteAllBytes(scene.Folder.At("many/" + name), bytes)

                    let arguments = [
                        "push"
                        "--spec"
                        scene.Spec
                        "--cell-id"
                        "cell-7"
                        "--receipts"
                        scene.Folder.At "receipts.jsonl"
                        "--resume"
                        scene.Folder.At "many"
                    ]

                    let environment = [ "CELLOS_EXPORT_DIR__ARCHIVE", scene.Folder.At "export" ]

                    let allAreWhole () =
                        let cell = Path.Combine(scene.Folder.At "export", "cell-7")

                        if Directory.Exists cell then
                            for file in Directory.GetFiles cell do
                                let name = nonNull (Path.GetFileName file)

                                if not (name.EndsWith ".part") then
                                    Expect.equal
                                        (sha256 (File.ReadAllBytes file))
                                        (sha256 (File.ReadAllBytes(scene.Folder.At("many/" + name))))
                                        name

                    for _ in 1..6 do
                        use child = toolWith environment arguments
                        let! first = child.ReadLine()

                        if not (isNull first) then
                            do! Threading.Tasks.Task.Delay(random.Next 30)

                        child.Kill()
                        let! _ = child.End()
                        allAreWhole ()

                    let! struct (code, _, error) = runToolIn environment arguments
                    Expect.equal code 0 error
                    allAreWhole ()

                    let left =
                        Directory.GetFiles(Path.Combine(scene.Folder.At "export", "cell-7"))
                        |> Array.map Path.GetFileName
                        |> Array.sort

                    Expect.equal (List.ofArray left) names "each, and nothing else"
                })
    ]
