/// The .NET tool and the native tool: the same commands give the same output.
module Cli.Tests.BuildsTests

open System.IO
open System.Text.RegularExpressions
open Expecto
open LoopbackS3
open Cli.Tests.Scene
open Cli.Tests.Support

/// A command, and what it meets.
type private Scenario = {
    Name: string
    /// Prepares the folder; returns variables and arguments.
    Prepare: Scene -> (string * string) list * string list
    Fault: Fault
}

let private scenario (name: string) prepare = {
    Name = name
    Prepare = prepare
    Fault = Fault.None
}

/// A command that no file and no variable matters to.
let private plain (arguments: string list) =
    scenario (String.concat " " ("tool" :: arguments)) (fun _ -> [], arguments)

let private checkOf (name: string) (variables: Scene -> (string * string) list) (arguments: string list) =
    scenario $"check: {name}" (fun scene -> variables scene, [ "check"; "--spec"; scene.Spec ] @ arguments)

let private withSpec (yaml: string) =
    scenario $"check: {yaml}" (fun scene ->
        File.WriteAllText(scene.Spec, yaml)
        scene.SeedVariables, [ "check"; "--spec"; scene.Spec; "--json" ])

let private withUrl (url: string) =
    checkOf $"URL {url}" (fun _ -> [ urlVariable, url ]) [ "--json"; "--cell-id"; "cell-7" ]

let private bundle (scene: Scene) =
    for name, content in [ "a.txt", "first"; "b/c.json", "{}"; "d e.log", "" ] do
        scene.Folder.Write($"out/{name}", content) |> ignore

    scene.Folder.At "out"

let private names = [ "a.txt"; "b/c.json"; "d e.log" ]

let private pushOf (name: string) (fault: Fault) (arguments: Scene -> string list) = {
    Name = $"push: {name}"
    Prepare =
        fun scene ->
            let out = bundle scene

            scene.Manifest("cell-7", names),
            [ "push"; "--spec"; scene.Spec; "--cell-id"; "cell-7"; "--concurrency"; "1" ]
            @ arguments scene
            @ [ out ]
    Fault = fault
}

let private always (arguments: string list) (_: Scene) = arguments

/// A command that answers every request with the same line.
let private answering (response: Scene -> string) (scene: Scene) =
    let script =
        scene.Folder.Write("urls.sh", $"while read -r _; do echo '{response scene}'; done\n")

    [ "CELLOS_EXPORT_S3_URL_COMMAND" + suffix, $"sh '{script}'" ]

let private granting (key: string) (scene: Scene) =
    $"""{{"url":"{scene.Server.Presign("PUT", bucket, key)}"}}"""

let private probe = [ "--cell-id"; "cell-7"; "--probe" ]

let private scenarios = [
    for arguments in
        [
            []
            [ "--help" ]
            [ "check"; "--help" ]
            [ "push"; "-h" ]
            [ "--version" ]
            [ "nonsense" ]
            [ "check" ]
            [ "push" ]
            [ "check"; "--spec" ]
            [ "check"; "--spec"; "none.yaml" ]
            [ "push"; "--spec"; "s"; "--cell-id"; "c"; "--nonsense" ]
            [ "push"; "--spec"; "s"; "--cell-id"; "c"; "--resume" ]
            [ "push"; "--spec"; "s"; "--cell-id"; "c"; "--concurrency"; "0" ]
            [ "push"; "--spec"; "s"; "--cell-id"; "c"; "--format"; "xml" ]
            [ "push"; "--spec"; "s"; "--cell-id"; "c"; "--header"; "no colon" ]
            [ "push"; "--spec"; "none.yaml"; "--cell-id"; "../c" ]
        ] do
        plain arguments

    checkOf "the seed" _.SeedVariables []
    checkOf "the seed, as JSON" _.SeedVariables [ "--json"; "--cell-id"; "cell-7" ]
    checkOf "no variable" (fun _ -> []) []
    checkOf "no variable, as JSON" (fun _ -> []) [ "--json" ]
    checkOf "an unknown target" _.SeedVariables [ "--target"; "none" ]
    checkOf "a bad cell" _.SeedVariables [ "--cell-id"; "a/b" ]
    checkOf "a manifest" (fun scene -> scene.Manifest("cell-7", names)) [ "--cell-id"; "cell-7" ]
    checkOf "a manifest of another cell" (fun scene -> scene.Manifest("cell-8", names)) [ "--cell-id"; "c" ]
    checkOf "the legacy variable" (fun _ -> [ legacyVariable, "https://gw.example/{artifact_name}" ]) []

    for name, value in
        [
            "CELLOS_EXPORT_S3_MAX_ATTEMPTS" + suffix, "x"
            "CELLOS_EXPORT_S3_RETRY_MODE" + suffix, "exponential"
            "CELLOS_EXPORT_S3_DEADLINE_MS" + suffix, "-1"
            "CELLOS_EXPORT_S3_MAX_ATTEMTPS" + suffix, "3"
            "CELLOS_EXPORT_S3_TIMEOUT_MS", "1e3"
            "CELLOS_STRICT_CONFIG", "1"
            "CELLOS_CA_BUNDLE", "/none.pem"
            "HTTPS_PROXY", "ftp://proxy.example"
            "NO_PROXY", "*.internal,10.0.0.0/8"
        ] do
        checkOf $"{name}={value}" (fun scene -> (name, value) :: scene.SeedVariables) [ "--json" ]

    for yaml in
        [
            ""
            "export: 1\n"
            "export:\n  targets:\n    - name: a\n      kind: gcs\n"
            "export:\n  targets:\n    - name: A b\n      kind: s3\n      bucket: B\n"
            "export:\n  targets: [\n"
            "spec:\n  export:\n    targets:\n      - { name: x, kind: s3, bucket: bucket-x, colour: red }\n"
            "&a [*a]\n"
        ] do
        withSpec yaml

    for url in
        [
            "https://b.s3.us-west-2.amazonaws.com/cell-7/a?X-Amz-Signature=0"
            "https://b.s3.us-west-2.amazonaws.com/cell-7/{artifact_name}?X-Amz-Algorithm=AWS4-HMAC-SHA256&amp;X-Amz-Date=20260301T120000Z"
            "http://user:password@gw.example/{cell_id}/{artifact_name}"
            "https://gw.example/{nonsense}"
            "gw.example/x"
        ] do
        withUrl url

    let probed = granting "cell-7/cellos-export-s3-probe"
    checkOf "a probe" (answering probed) probe
    checkOf "a probe, as JSON" (answering probed) ("--json" :: probe)
    checkOf "a probe of another object" (answering (granting "cell-7/a")) probe
    checkOf "a probe that is refused" (answering (fun _ -> """{"error":{"message":"no"}}""")) probe
    checkOf "a command that answers anything" (answering (fun _ -> "anything")) probe
    checkOf "files that are missing" _.SeedVariables [ "--root"; "/" ]

    scenario "push: a URL of a command" (fun scene ->
        let file = scene.Folder.Write("a.txt", "first")

        answering (granting "cell-7/a.txt") scene,
        [ "push"; "--spec"; scene.Spec; "--cell-id"; "cell-7"; file ])

    pushOf "receipts" Fault.None (always [])
    pushOf "receipts file" Fault.None (fun scene -> [ "--receipts"; scene.Folder.At "r.jsonl" ])
    pushOf "quiet" Fault.None (always [ "--quiet" ])
    pushOf "cloudevents" Fault.None (always [ "--format"; "cloudevents" ])
    pushOf "in-toto" Fault.None (always [ "--format"; "in-toto" ])
    pushOf "503" (Fault.Status 503) (always [])
    pushOf "403" (Fault.Status 403) (always [])
    pushOf "an ETag of other bytes" Fault.WrongETag (always [])

    pushOf
        "a success of no store"
        (Fault.RawReply "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"B)
        (always [])

    pushOf "a connection that is reset" Fault.ResetBeforeBody (always [])
]

/// What differs between two runs of the same command: times, ports, ids, the folder.
let private masked (scene: Scene) (text: string) =
    [
        Regex.Escape scene.Folder.Path, "FOLDER"
        @"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?", "TIME"
        @"127\.0\.0\.1:\d+", "SERVER"
        "\"(requestId|hostId|versionId|id)\":\"[^\"]*\"", "\"$1\":\"ID\""
        "(requestId|request id|host id)[ =:]+[0-9A-Za-z+/=-]{8,}", "$1 ID"
        @"\b[0-9A-F]{16}\b", "ID"
        @"\+[0-9a-f]{40}\b", ""
        @"\d+(\.\d+)? (ms|s|min)\b", "DURATION"
        // The server makes another one in each run.
        "ETag is [0-9a-f]{32}", "ETag is OTHER"
        @"\d+(\.\d+)? ([KMG]i)?B/s", "SPEED"
    ]
    |> List.fold (fun (text: string) (pattern, name) -> Regex.Replace(text, pattern, name)) text

let private outcome (command: string list) (scenario: Scenario) =
    task {
        use! scene = scene ()

        if not (obj.ReferenceEquals(scenario.Fault, Fault.None)) then
            scene.Server.OnAttempt <- fun _ -> scenario.Fault

        let variables, arguments = scenario.Prepare scene
        use child = childOf command variables arguments
        let! struct (code, output, error) = child.End()
        return code, masked scene output, masked scene error, scene.Server.Requests.Count
    }

[<Tests>]
let tests =
    testList "the .NET tool and the native tool" [
        testCaseTask "give the same exit code, output and requests for the same command" (fun () ->
            task {
                match nativeTool with
                | None -> skiptest "CELLOS_TEST_TOOL names no native tool (./build.sh test-native)"
                | Some native ->
                    Expect.isGreaterThan scenarios.Length 50 "scenarios"

                    for scenario in scenarios do
                        let! expected = outcome dotnetTool scenario
                        let! actual = outcome native scenario
                        Expect.equal actual expected scenario.Name
            })

        testCaseTask "a libc.so beside the native tool is not loaded" (fun () ->
            task {
                match nativeTool with
                | None -> skiptest "CELLOS_TEST_TOOL names no native tool (./build.sh test-native)"
                | Some native ->
                    use! scene = scene ()
                    let place = scene.Folder.At "place"
                    Directory.CreateDirectory place |> ignore
                    let copy = Path.Join(place, "cellos-export-s3")
                    File.Copy(native.Head, copy)

                    // A library that can be loaded, and has none of libc's functions.
                    let stranger =
                        Directory.GetFiles(
                            System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(),
                            "libSystem.Native.so"
                        )

                    for name in [ "libc.so"; "libc"; "liblibc.so" ] do
                        File.Copy(Array.exactlyOne stranger, Path.Join(place, name))

                    let variables = scene.Manifest("cell-7", names)

                    use child =
                        childOf [ copy ] variables [
                            "push"
                            "--spec"
                            scene.Spec
                            "--cell-id"
                            "cell-7"
                            "--receipts"
                            scene.Folder.At "r.jsonl"
                            bundle scene
                        ]

                    let! struct (code, output, error) = child.End()
                    Expect.equal code 0 error
                    Expect.hasLength (objects output) 3 "all are exported"
                    objects output |> List.iter scene.IsTrue
            })

        testCaseTask "say their version and commit" (fun () ->
            task {
                for command in Option.toList nativeTool @ [ dotnetTool ] do
                    use child = childOf command [] [ "--version" ]
                    let! struct (code, output, error) = child.End()
                    Expect.equal code 0 error
                    // The commit is known unless files were changed since, or there is no repository.
                    Expect.isMatch
                        (output.Trim())
                        @"^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9a-f]{40})?$"
                        "both"
            })
    ]
