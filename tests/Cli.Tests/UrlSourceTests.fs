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

                    let script =
                        scene.Folder.Write(
                            "presign.py",
                            $"""
import json, sys
from urllib.parse import quote
for line in sys.stdin:
    request = json.loads(line)
    print("asked https://h/?X-Amz-Signature={secret}", file=sys.stderr, flush=True)
    print(json.dumps({{"url": "{scene.Server.Endpoint}" + request["bucket"] + "/" + quote(request["key"])}}), flush=True)
"""
                        )

                    let! struct (code, output, error) =
                        push scene [ variable "URL_COMMAND", $"python3 -u '{script}'" ] [ bundle scene ]

                    Expect.equal code 0 error
                    Expect.equal (objects output).Length 2 output
                    Expect.stringContains error "X-Amz-Signature=REDACTED" "standard error"
                    Expect.isFalse (error.Contains secret) error
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

        testCaseTask "an artifact that the manifest lacks is a problem in check" (fun () ->
            task {
                use! scene = scene ()
                let folder = bundle scene
                let variables = scene.Manifest("cell-7", [ "report.json" ])
                let! struct (code, output, error) = check scene variables [ folder ]
                Expect.equal code 2 output
                Expect.stringContains error "'logs/ü.txt'" "the one that it lacks"
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
