/// Brokers, commands, and what `check` says of them.
module Cli.Tests.UrlSourceTests

open System
open System.Collections.Concurrent
open System.IO
open System.Net
open System.Text
open System.Text.Json
open System.Threading.Tasks
open Expecto
open LoopbackS3
open Cli.Tests.Scene
open Cli.Tests.Support

let private variable name = $"CELLOS_EXPORT_S3_{name}{suffix}"

/// Listens on a port that is free. `HttpListener` cannot be asked for any port.
let rec private listen (tries: int) : struct (HttpListener * string) =
    let listener = new HttpListener()
    let url = $"http://127.0.0.1:{Random.Shared.Next(20000, 60000)}/urls/"
    listener.Prefixes.Add url

    try
        listener.Start()
        listener, url
    with
    | :? HttpListenerException
    | :? Sockets.SocketException when tries > 1 ->
        listener.Abort()
        listen (tries - 1)

/// A broker on loopback that gives URLs of the scene's store; `mangle` is what it makes of the key. To as many requests as
/// `busy` has values, it first responds with 429 and the value as `Retry-After`.
type private Broker(scene: Scene, mangle: string -> string, busy: string list) =
    let struct (listener, url) = listen 20
    let requests = ConcurrentQueue<string>()
    let waits = ConcurrentQueue<string> busy

    let serving =
        Task.Run<unit>(fun () ->
            task {
                try
                    while true do
                        let! context = listener.GetContextAsync()
                        use reader = new StreamReader(context.Request.InputStream)
                        let! body = reader.ReadToEndAsync()
                        requests.Enqueue body
                        use json = JsonDocument.Parse body

                        let key = json.RootElement.GetProperty("key").GetString() |> nonNull |> mangle

                        let url = scene.Server.Presign("PUT", bucket, key)

                        match waits.TryDequeue() with
                        | true, wait ->
                            context.Response.StatusCode <- 429
                            context.Response.AddHeader("Retry-After", wait)
                        | _ ->
                            context.Response.ContentType <- "application/json"

                            context.Response.OutputStream.Write(
                                Encoding.UTF8.GetBytes $"""{{"url":{JsonSerializer.Serialize url}}}"""
                            )

                        context.Response.Close()
                with
                | :? HttpListenerException
                | :? ObjectDisposedException -> ()
            })

    new(scene, mangle) = new Broker(scene, mangle, [])

    member _.Url = url
    member _.Requests = List.ofSeq requests

    interface IDisposable with
        member _.Dispose() =
            listener.Abort()
            serving.Wait(TimeSpan.FromSeconds 5.) |> ignore

let private check (scene: Scene) variables arguments =
    runToolIn variables ([ "check"; "--spec"; scene.Spec; "--cell-id"; "cell-7" ] @ arguments)

let private push (scene: Scene) variables arguments =
    runToolIn variables ([ "push"; "--spec"; scene.Spec; "--cell-id"; "cell-7"; "--json" ] @ arguments)

let private bundle (scene: Scene) =
    scene.Folder.Write("out/logs/ü.txt", "abc") |> ignore
    scene.Folder.Write("out/report.json", "{}") |> ignore
    scene.Folder.At "out"

/// A URL command in Python. `first` is a statement for each request, and `url` an expression over it.
let private commandOf (scene: Scene) (first: string) (url: string) =
    let script =
        scene.Folder.Write(
            "presign.py",
            $"""
import json, sys
from urllib.parse import quote
for line in sys.stdin:
    request = json.loads(line)
    {first}
    print(json.dumps({{"url": {url}}}), flush=True)
"""
        )

    $"python3 -u '{script}'"

/// The URL of the request's object below an endpoint, as an expression of a command.
let private keyBelow (endpoint: string) =
    $"'{endpoint}' + request['bucket'] + '/' + quote(request['key'])"

[<Tests>]
let tests =
    testList "sources of URLs on the command line" [
        testCaseTask "push exports a folder through a broker" (fun () ->
            task {
                use! scene = scene ()
                use broker = new Broker(scene, id)
                let variables = [ variable "BROKER_URL", broker.Url; variable "BIND_DIGEST", "1" ]
                let! struct (code, output, error) = push scene variables [ bundle scene ]
                Expect.equal code 0 error

                for receipt in objects output do
                    scene.IsTrue receipt

                Expect.equal (objects output).Length 2 output
                Expect.equal broker.Requests.Length 2 "once each"
                Expect.all broker.Requests _.Contains("\"sha256\":") "bound"
            })

        testCaseTask "push waits as long as a broker asks, within the deadline" (fun () ->
            task {
                use! scene = scene ()
                use broker = new Broker(scene, id, [ "1" ])

                let variables = [
                    variable "BROKER_URL", broker.Url
                    variable "DEADLINE_MS", "120000"
                    variable "RETRY_BACKOFF_MS", "0"
                ]

                let file = scene.Folder.Write("report.json", "{}")
                let watch = Diagnostics.Stopwatch.StartNew()
                let! struct (code, output, error) = push scene variables [ file ]
                Expect.equal code 0 error
                scene.IsTrue(List.exactlyOne (objects output))
                Expect.equal broker.Requests.Length 2 "asked again"
                Expect.isGreaterThan watch.Elapsed (TimeSpan.FromSeconds 1.) "after the wait"
            })

        for limits, kind, limit in
            [
                [ "MAX_ATTEMPTS", "2"; "RETRY_MAX_BACKOFF_MS", "10" ],
                "Unavailable",
                "the longest wait is 10 ms"
                [ "DEADLINE_MS", "5000" ], "DeadlineExceeded", "the deadline of 5 s over all attempts passed"
            ] do
            testCaseTask
                $"push that a broker asks for an hour ends as {kind}, and names the hour and the limit"
                (fun () ->
                    task {
                        use! scene = scene ()
                        use broker = new Broker(scene, id, [ "3600"; "3600"; "3600" ])

                        let variables =
                            (variable "BROKER_URL", broker.Url)
                            :: [ for name, value in limits -> variable name, value ]

                        let file = scene.Folder.Write("report.json", "{}")
                        let! struct (code, output, error) = push scene variables [ file ]
                        Expect.equal code 1 error
                        let shown = output + error

                        for part in [ kind; "asks to wait 1 h"; limit ] do
                            Expect.stringContains shown part "the failure"

                        Expect.isEmpty scene.Server.Requests "nothing was sent"
                    })

        testCaseTask
            "push exports a folder through a command, and shows its standard error without secrets"
            (fun () ->
                task {
                    if not (has "python3") then
                        skiptest "needs python3"

                    use! scene = sceneBehind true

                    let command =
                        commandOf
                            scene
                            $"print('asked https://h/?X-Amz-Signature={secret}', file=sys.stderr, flush=True)"
                            (keyBelow (string scene.Server.Endpoint))

                    let! struct (code, output, error) =
                        push scene [ variable "URL_COMMAND", command ] [ bundle scene ]

                    Expect.equal code 0 error
                    Expect.equal (objects output).Length 2 output
                    Expect.stringContains error "X-Amz-Signature=REDACTED" "standard error"
                    Expect.isFalse (error.Contains secret) error
                })

        testCaseTask
            "URLs without a known signature that are plainly another artifact's are reported, and refused by strict mode"
            (fun () ->
                task {
                    use! scene = sceneBehind true

                    for name in [ "a.txt"; "b.txt" ] do
                        scene.Folder.Write($"out/{name}", name) |> ignore

                    let here = string scene.Server.Endpoint
                    let out = scene.Folder.At "out"

                    for path, query, isReported in
                        [
                            $"{bucket}/cell-7/", "", true
                            $"{bucket}/cell-7/",
                            "?token=eyJhbGciOiJIUzI1NiJ9.eyJ1cmwiOiJ4In0.abcdefghijklmnop",
                            true
                            $"{bucket}/cell-7/",
                            "?authorization=bce-auth-v1%2Fabcdef%2F2026%2F3600%2Fhost%2Fabcdef",
                            true
                            "gw/cell-7/", "", true
                            $"{bucket}/", "", true
                            "gw/tickets/", "", false
                        ] do
                        let manifest =
                            scene.Folder.Write(
                                "urls.json",
                                JsonSerializer.Serialize(
                                    dict [
                                        "a.txt", here + path + "b.txt" + query
                                        "b.txt", here + path + "a.txt" + query
                                    ]
                                )
                            )

                        let variables = [ variable "PRESIGNED_URLS_FILE", manifest ]
                        let! struct (_, output, error) = check scene variables [ out ]

                        Expect.equal
                            ((output + error).Contains "key-mismatch")
                            isReported
                            $"check of {path}{query}"

                        let before = scene.Server.Requests.Count

                        let! struct (code, _, error) =
                            push scene (variables @ [ "CELLOS_STRICT_CONFIG", "1" ]) [ out ]

                        if isReported then
                            Expect.equal code 2 error
                            Expect.stringContains error "key-mismatch" path
                            Expect.equal scene.Server.Requests.Count before "nothing was sent"

                        let! struct (code, _, error) =
                            push
                                scene
                                (variables @ [ "CELLOS_STRICT_CONFIG", "1"; variable "KEY_CHECK", "off" ])
                                [ out ]

                        Expect.isFalse (error.Contains "key-mismatch") $"{code}: the operator says so"
                })

        testCaseTask
            "a command's URL that is plainly another object's is reported, and rejected in strict mode"
            (fun () ->
                task {
                    if not (has "python3") then
                        skiptest "needs python3"

                    use! scene = sceneBehind true
                    scene.Folder.Write("out/a", "A") |> ignore

                    let command = commandOf scene "pass" $"'{scene.Server.Endpoint}{bucket}/cell-7/b'"

                    for strict, expected in [ "0", 0; "1", 1 ] do
                        let! struct (code, output, error) =
                            push scene [ variable "URL_COMMAND", command; "CELLOS_STRICT_CONFIG", strict ] [
                                scene.Folder.At "out"
                            ]

                        Expect.equal code expected error
                        Expect.stringContains (output + error) "cell-7/b'" "the object of the URL"

                    Expect.equal scene.Server.Requests.Count 1 "strict mode sends nothing"
                })

        testCaseTask "two commands that give one URL do not overwrite each other" (fun () ->
            task {
                if not (has "python3") then
                    skiptest "needs python3"

                use! scene = sceneBehind true
                scene.Folder.Write("one.txt", "ONE") |> ignore
                scene.Folder.Write("two.txt", "TWO!") |> ignore

                twoTargets scene [ "a", "one.txt", "one"; "b", "two.txt", "two" ]
                let command = commandOf scene "pass" $"'{scene.Server.Endpoint}{bucket}/upload'"

                let! struct (code, output, error) =
                    push scene [
                        "CELLOS_EXPORT_S3_URL_COMMAND__ONE", command + " 1"
                        "CELLOS_EXPORT_S3_URL_COMMAND__TWO", command + " 2"
                    ] [ "--root"; scene.Folder.Path ]

                Expect.equal code 1 error
                Expect.equal scene.Server.Objects.Count 1 output
                Expect.stringContains output "names one object" "the second is refused"
            })

        testCaseTask
            "a command that writes a line too many ends the push with 1, and its receipts are taken back"
            (fun () ->
                task {
                    if not (has "python3") then
                        skiptest "needs python3"

                    for named in [ false; true ] do
                        use! scene = sceneBehind true

                        for i in 1..6 do
                            scene.Folder.Write($"out/f{i}", $"content of f{i}") |> ignore

                        let receipts = scene.Folder.At "r.jsonl"

                        let script =
                            scene.Folder.Write(
                                "late.py",
                                $"""
import json, sys, time
n = 0
def tell(name, ticket):
    response = {{"url": "{scene.Server.Endpoint}{bucket}/put/" + str(ticket)}}
    if {named}: response["artifactName"] = name
    print(json.dumps(response), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    n += 1
    if n == 3:
        tell(previous, 100)
        time.sleep(0.2)
    tell(request["artifactName"], n)
    previous = request["artifactName"]
"""
                            )

                        let! struct (code, output, error) =
                            push scene [
                                variable "URL_COMMAND", $"python3 -u '{script}'"
                                variable "KEY_CHECK", "off"
                            ] [ "--concurrency"; "1"; "--receipts"; receipts; scene.Folder.At "out" ]

                        Expect.equal code 1 error

                        let taken =
                            File.ReadAllLines receipts |> Array.filter _.Contains("\"upload\":\"started\"")

                        if named then
                            Expect.stringContains output "the request has 'f3'" "noticed at once"
                            Expect.isEmpty taken "no receipt is in doubt"
                        else
                            Expect.stringContains error "these receipts may be false" "said"
                            Expect.notEqual taken.Length 0 "taken back"
                })

        testCaseTask "a resumed push names the places that a command's URLs are not compared with" (fun () ->
            task {
                if not (has "python3") then
                    skiptest "needs python3"

                use! scene = sceneBehind true
                let out = bundle scene
                let receipts = scene.Folder.At "r.jsonl"

                // The gateway checks no signature.
                let query = scene.Server.Presign("PUT", bucket, "x").Split('?')[1]

                let run (endpoint: string) =
                    let command = commandOf scene "pass" $"{keyBelow endpoint} + '?{query}'"

                    push scene [ variable "URL_COMMAND", command ] [
                        "--receipts"
                        receipts
                        "--resume"
                        out
                    ]

                let here = string scene.Server.Endpoint
                let! struct (code, _, error) = run here
                Expect.equal code 0 error
                scene.Folder.Write("out/new.txt", "new") |> ignore
                let! struct (code, output, error) = run (here.Replace("127.0.0.1", "localhost"))
                Expect.equal code 0 error
                Expect.hasLength (objects output) 1 error
                Expect.stringContains error "the places were not compared" "before"
                Expect.stringContains error "the URLs of this push are for 'http://localhost" "after"
            })

        testCaseTask "check shows the source and asks nothing of it" (fun () ->
            task {
                use! scene = scene ()
                use broker = new Broker(scene, id)

                let! struct (code, output, error) =
                    check scene [ variable "BROKER_URL", broker.Url ] []

                Expect.equal (code, error) (0, "") output
                Expect.stringContains output broker.Url "the address"
                Expect.stringContains output "brokerTokenFile" "no token"
                Expect.isEmpty broker.Requests "not asked"

                let! struct (code, output, error) =
                    check scene [ variable "URL_COMMAND", $"/no/such/program --key {secret}" ] []

                Expect.equal (code, error) (0, "") output
                Expect.stringContains output "/no/such/program (2 arguments)" "the program alone"
                Expect.isFalse (output.Contains secret) output
            })

        testCaseTask "check --probe asks for one URL, shows what it signs, and sends nothing" (fun () ->
            task {
                use! scene = scene ()
                use broker = new Broker(scene, id)
                let variables = [ variable "BROKER_URL", broker.Url; variable "BIND_DIGEST", "1" ]
                let! struct (code, output, error) = check scene variables [ "--probe" ]
                Expect.equal (code, error) (0, "") output

                for part in
                    [
                        "probe of target artifact-bucket"
                        $"s3://{bucket}/cell-7/cellos-export-s3-probe"
                        "signedHeaders"
                        "host"
                        "expires"
                    ] do
                    Expect.stringContains output part "what it signs"

                Expect.isFalse (output.Contains "X-Amz-Signature") output
                let! struct (code, output, _) = check scene variables [ "--probe"; "--json" ]
                Expect.equal code 0 output
                let probe = (JsonDocument.Parse output).RootElement.GetProperty("probes")[0]
                Expect.equal (text "signature" probe) "V4" output
                Expect.equal (text "problem" probe) "" output
                Expect.equal broker.Requests.Length 2 "once each"
                Expect.stringContains broker.Requests.Head "\"contentLength\":0" "an empty artifact"
                Expect.isEmpty scene.Server.Requests "nothing was sent to the store"
            })

        testCaseTask "check --probe ends with 2 if the URL could not be used" (fun () ->
            task {
                use! scene = scene ()
                use broker = new Broker(scene, (fun key -> key + "-other"))

                let! struct (code, output, _) =
                    check scene [ variable "BROKER_URL", broker.Url ] [ "--probe" ]

                Expect.equal code 2 output
                Expect.stringContains output "cellos-export-s3-probe-other" "another key"

                let! struct (code, output, error) =
                    check scene [ variable "URL_COMMAND", "/no/such/program" ] [ "--probe" ]

                Expect.equal code 2 output
                Expect.stringContains output "could not be started" error
                Expect.isEmpty scene.Server.Requests "nothing was sent to the store"
            })

        testCaseTask "check lists the artifacts of PATHs for a presigner" (fun () ->
            task {
                use! scene = scene ()
                let folder = bundle scene
                let! struct (code, output, _) = check scene [] [ "--json"; folder ]
                Expect.equal code 2 "there are no URLs yet"
                let report = (JsonDocument.Parse output).RootElement

                let artifacts = [
                    for artifact in report.GetProperty("artifacts").EnumerateArray() ->
                        text "target" artifact,
                        text "name" artifact,
                        text "bucket" artifact,
                        text "key" artifact,
                        text "bytes" artifact
                ]

                Expect.equal
                    artifacts
                    [
                        "artifact-bucket", "logs/ü.txt", bucket, "cell-7/logs/ü.txt", "3"
                        "artifact-bucket", "report.json", bucket, "cell-7/report.json", "2"
                    ]
                    output

                // A presigner makes the manifest from it, and all is exported.
                let variables =
                    scene.Manifest("cell-7", [ for _, name, _, _, _ in artifacts -> name ])

                let! struct (code, output, error) = check scene variables [ folder ]
                Expect.equal code 0 error

                Expect.stringContains
                    output
                    $"report.json: 2 bytes to s3://{bucket}/cell-7/report.json"
                    output

                let! struct (code, _, error) = push scene variables [ folder ]
                Expect.equal code 0 error
            })

        testCaseTask "an artifact that the manifest lacks is an error in check" (fun () ->
            task {
                use! scene = scene ()
                let folder = bundle scene
                let variables = scene.Manifest("cell-7", [ "report.json" ])
                let! struct (code, output, error) = check scene variables [ folder ]
                Expect.equal code 2 error
                Expect.stringContains output "no URL for the artifact 'logs/ü.txt'" "the one that it lacks"
            })

        testCaseTask "a file that appears after its manifest was made fails alone" (fun () ->
            task {
                use! scene = scene ()
                let folder = bundle scene
                let variables = scene.Manifest("cell-7", [ "logs/ü.txt"; "report.json" ])
                File.WriteAllText(Path.Combine(folder, "late.txt"), "late")
                let! struct (code, output, error) = push scene variables [ folder ]
                Expect.equal code 1 error
                let receipts = output.Split '\n' |> Array.filter _.Contains("\"sha256\"")
                Expect.hasLength receipts 2 "the others have receipts"
                Expect.stringContains error "manifest-lacks" "it is named before anything is sent"
                Expect.stringContains error "no URL for the artifact 'late.txt'" "its name"
                Expect.stringContains error "failed late.txt" "its failure"
                Expect.hasLength scene.Server.Requests 2 "no other was sent"
            })

        testCaseTask
            "strict mode refuses what the manifest lacks, and so does every push of which it lacks all"
            (fun () ->
                task {
                    use! scene = scene ()
                    let folder = bundle scene

                    let cases = [
                        [ "CELLOS_STRICT_CONFIG", "1" ],
                        "report.json",
                        "no URL for the artifact 'logs/ü.txt'"
                        [], "other.json", "no URL for the artifacts 'logs/ü.txt', 'report.json'"
                    ]

                    for more, entry, named in cases do
                        let! struct (code, output, error) =
                            push scene (more @ scene.Manifest("cell-7", [ entry ])) [ folder ]

                        Expect.equal (code, output) (2, "") error
                        Expect.stringContains error named "their names"
                        Expect.isEmpty scene.Server.Requests "nothing was sent"
                })

        testCaseTask "a file that appears after a push fails alone in the resumed one" (fun () ->
            task {
                use! scene = scene ()
                let folder = bundle scene
                let variables = scene.Manifest("cell-7", [ "logs/ü.txt"; "report.json" ])
                let arguments = [ folder; "--receipts"; scene.Folder.At "receipts.jsonl" ]
                let! struct (code, _, error) = push scene variables arguments
                Expect.equal code 0 error
                File.WriteAllText(Path.Combine(folder, "late.txt"), "late")
                let! struct (code, _, error) = push scene variables (arguments @ [ "--resume" ])
                Expect.equal code 1 error
                Expect.stringContains error "failed late.txt" "its failure"
                Expect.hasLength scene.Server.Requests 2 "the others have receipts"
            })

        testCaseTask "sources that exclude each other are refused" (fun () ->
            task {
                use! scene = scene ()

                let! struct (code, _, error) =
                    check scene [ variable "BROKER_URL", "https://b/"; variable "URL_COMMAND", "x" ] []

                Expect.equal code 2 error
                Expect.stringContains error (variable "BROKER_URL") error
                Expect.stringContains error (variable "URL_COMMAND") error

                let! struct (code, _, error) =
                    check scene [ variable "BROKER_URL", $"http://broker.example/?t={secret}" ] []

                Expect.equal code 2 error
                Expect.stringContains error "in the clear" error
                Expect.isFalse (error.Contains secret) error
            })
    ]
