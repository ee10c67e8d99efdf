/// URLs from a command, on good days and bad ones.
module Facade.Tests.CommandTests

open System
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open LoopbackS3
open Facade.Tests.Support
open Facade.Tests.BrokerSupport
open Facade.Tests.CompositionSupport

let private secret = "0123456789abcdef0123"

/// A command that gives URLs of a gateway on loopback; the store there checks no signature.
let private gateway (server: LoopbackS3Server) =
    $"""
import json, os, sys
from urllib.parse import quote
def url(request):
    return "{server.Endpoint}" + request["bucket"] + "/" + quote(request["key"])
def answer(fields, before=""):
    # One write, so that both lines come at once.
    sys.stdout.write(before + json.dumps(fields) + "\n")
    sys.stdout.flush()
"""

let private giving server =
    gateway server
    + """
for line in sys.stdin:
    answer({"url": url(json.loads(line))})
"""

let private sceneOf content =
    sceneWith (LoopbackS3Options(Buckets = [| Bucket(bucket, IsBehindGateway = true) |])) "x" content

let private sinkOf (command: string list) (timeout: float) (log: LogBook) =
    new PresignedS3ExportSink(
        PresignedS3ExportSinkOptions(
            UrlCommand = command,
            CellId = cellId,
            Bucket = bucket,
            RetryBackoff = TimeSpan.Zero,
            RequestTimeout = TimeSpan.FromSeconds timeout
        ),
        TimeProvider.System,
        log
    )

let private unusable (parts: string list) (failure: ExportException) =
    Expect.equal failure.Kind ExportFailureKind.UrlUnusable failure.Message

    for part in "URL command" :: parts do
        Expect.stringContains failure.Message part "the message"

    Expect.isFalse (failure.Message.Contains secret) failure.Message

/// A command that misbehaves when it is asked for the artifact `bad`, and serves all others.
let private misbehaving server (what: string) =
    gateway server
    + $"""
for line in sys.stdin:
    request = json.loads(line)
    if request["artifactName"] == "bad":
        {what}
    answer({{"url": url(request)}})
"""

[<Tests>]
let tests =
    testList "a URL command" [
        testCaseTask "is started once, and asked for each artifact in turn" (fun () ->
            task {
                needsPython ()
                use! scene = sceneOf (patterned 100)
                let starts = scene.Folder.At "starts"

                let script = $"open('{starts}', 'a').write('started\\n')\n" + giving scene.Server

                use sink = sinkOf (python script) 20. (LogBook())
                let artifacts = [ for i in 1..200 -> ExportArtifact($"a/{i}", scene.Path) ]

                let exported =
                    sink
                        .PushManyAsync(artifacts, ExportBatchOptions(MaxConcurrency = 64))
                        .ToBlockingEnumerable()
                    |> Seq.map (fun result ->
                        Expect.isTrue result.IsExported (result.ToJson())
                        result.Artifact.Name)
                    |> Set.ofSeq

                Expect.equal exported.Count 200 "each once"
                Expect.equal (File.ReadAllText starts) "started\n" "once"
            })

        testCaseTask "gives 2,000 artifacts their URLs at concurrency 64" (fun () ->
            task {
                needsPython ()
                use! scene = sceneOf (patterned 100)
                use sink = sinkOf (python (giving scene.Server)) 60. (LogBook())
                let artifacts = [ for i in 1..2000 -> ExportArtifact($"a/{i}", scene.Path) ]

                for result in
                    sink
                        .PushManyAsync(artifacts, ExportBatchOptions(MaxConcurrency = 64))
                        .ToBlockingEnumerable() do
                    Expect.isTrue result.IsExported (result.ToJson())

                Expect.equal scene.Server.Objects.Count 2000 "each has its object"
            })

        testCaseTask "gets one line of JSON for each URL, and its arguments as they are" (fun () ->
            task {
                needsPython ()
                use! scene = sceneOf (patterned 1000)
                let seen = scene.Folder.At "seen"

                let script =
                    gateway scene.Server
                    + $"""
for line in sys.stdin:
    open('{seen}', 'a').write(json.dumps(sys.argv[1:]) + line)
    answer({{"url": url(json.loads(line)), "headers": {{"x-amz-meta-run": "42"}}}})
"""

                use sink = sinkOf (python script @ [ "a b"; "$HOME"; "'"; "" ]) 20. (LogBook())

                let! _ = sink.PushAsync("logs/ü.txt", scene.Path)

                Expect.equal
                    (File.ReadAllText seen)
                    "[\"a b\", \"$HOME\", \"'\", \"\"]{\"version\":1,\"cellId\":\"cell-7\",\"artifactName\":\"logs/ü.txt\",\"bucket\":\"evidence\",\"key\":\"cell-7/logs/ü.txt\",\"attempt\":1,\"contentLength\":1000,\"headers\":{}}\n"
                    "arguments and request"
            })

        testCaseTask "has its standard error logged without secrets, however much it is" (fun () ->
            task {
                needsPython ()
                use! scene = sceneOf (patterned 1000)
                let log = LogBook()

                let script =
                    gateway scene.Server
                    + $"""
for line in sys.stdin:
    sys.stderr.write("asked: https://h/k?X-Amz-Signature={secret}\n")
    sys.stderr.write("x" * 1000000 + "\n")
    for i in range(100000): sys.stderr.write("line\n")
    sys.stderr.flush()
    answer({{"url": url(json.loads(line))}})
"""

                use sink = sinkOf (python script) 60. log
                let! _ = sink.PushAsync("x", scene.Path)

                do!
                    waitFor "the log" (fun () ->
                        log.Lines |> List.exists _.Contains("further lines are not logged"))

                let told = log.Lines |> List.filter _.Contains("wrote to standard error")
                Expect.isLessThan told.Length 300 "not all"
                Expect.exists told _.Contains("X-Amz-Signature=REDACTED") "redacted"
                Expect.all log.Lines (fun line -> not (line.Contains secret)) "no secret"
                Expect.all told (fun line -> line.Length < 5000) "no endless line"
            })

        testCaseTask
            "that misbehaves costs the artifact that was asked for, and the next one is exported"
            (fun () ->
                task {
                    needsPython ()

                    for what, parts in
                        [
                            "sys.exit(3)", [ "exited with code 3 before it gave a response" ]
                            "sys.stderr.write('no key today\\n'); sys.exit(1)",
                            [ "exited with code 1"; "no key today" ]
                            "os.kill(os.getpid(), 9)", [ "exited with code 137" ]
                            "sys.stdout.write('{}\\n{}\\n'); sys.stdout.flush()",
                            [ "more than one line"; "one line of JSON" ]
                            "sys.stdout.write('not JSON\\n'); sys.stdout.flush(); continue",
                            [ "was ended"; "not valid JSON" ]
                            "sys.stdout.buffer.write(b'\\xff\\xfe\\n'); sys.stdout.flush(); continue",
                            [ "not valid JSON" ]
                            "sys.stdout.write('\\n'); sys.stdout.flush(); continue", [ "it is empty" ]
                            "sys.stdout.write(' ' * 70000 + '\\n'); sys.stdout.flush(); continue",
                            [ "a line of more than 65536 bytes" ]
                            "sys.stdout.write('x' * 70000); sys.stdout.flush(); import time; time.sleep(100)",
                            [ "a line of more than 65536 bytes" ]
                            $"answer({{'error': {{'message': 'not https://h/?X-Amz-Signature={secret}'}}}}); continue",
                            [ "refused to give a URL"; "REDACTED" ]
                            "os.close(1); import time; time.sleep(100)", [ "closed its standard output" ]
                        ] do
                        use! scene = sceneOf (patterned 1000)
                        use sink = sinkOf (python (misbehaving scene.Server what)) 20. (LogBook())
                        let! _ = sink.PushAsync("before", scene.Path)
                        let! failure = failureOf (fun () -> sink.PushAsync("bad", scene.Path))
                        unusable ("Nothing was sent." :: parts) failure
                        let! _ = sink.PushAsync("x", scene.Path)
                        Expect.equal scene.Server.Objects.Count 2 what
                })

        testCaseTask "that exits at once fails each artifact with its exit code" (fun () ->
            task {
                linuxOnly ()
                use! scene = sceneOf (patterned 1000)

                for command, code in [ "true", 0; "false", 1 ] do
                    use sink = sinkOf [ command ] 20. (LogBook())

                    for name in [ "a"; "b" ] do
                        let! failure = failureOf (fun () -> sink.PushAsync(name, scene.Path))
                        unusable [ command; $"exited with code {code} before it gave a response" ] failure

                Expect.equal scene.Server.Objects.Count 0 "nothing is stored"
            })

        testCaseTask "that names another artifact in its response is ended, and started again" (fun () ->
            task {
                needsPython ()
                use! scene = sceneOf (patterned 1000)

                for field, wrong in [ "artifactName", "other"; "key", "cell-7/other" ] do
                    let script =
                        gateway scene.Server
                        + $"""
for line in sys.stdin:
    request = json.loads(line)
    wrong = request["artifactName"] == "bad"
    answer({{"url": url(request), "{field}": "{wrong}" if wrong else request["{field}"]}})
"""

                    use sink = sinkOf (python script) 20. (LogBook())
                    let! _ = sink.PushAsync("before", scene.Path)
                    let! failure = failureOf (fun () -> sink.PushAsync("bad", scene.Path))
                    unusable [ "was ended"; $"'{field}' '{wrong}'"; "bad'" ] failure
                    let! _ = sink.PushAsync("x", scene.Path)
                    ()
            })

        testCaseTask "that wrote a line too many is not asked again if its URLs show no object" (fun () ->
            task {
                needsPython ()
                use! scene = sceneOf (patterned 1000)
                let log = LogBook()

                let script =
                    gateway scene.Server
                    + $"""
n = 0
for line in sys.stdin:
    n += 1
    answer({{"url": "{scene.Server.Endpoint}{bucket}/put/" + str(n)}}, "{{}}\n" if n == 2 else "")
"""

                use sink = sinkOf (python script) 20. log
                let! _ = sink.PushAsync("first", scene.Path)
                let! _ = failureOf (fun () -> sink.PushAsync("second", scene.Path))
                let! failure = failureOf (fun () -> sink.PushAsync("third", scene.Path))
                unusable [ "is not asked again"; "'first'" ] failure
                Expect.exists log.Lines _.Contains("'first'") "the log names it"
            })

        testCaseTask
            "that is silent is ended after the request timeout, and started again for the next"
            (fun () ->
                task {
                    needsPython ()
                    use! scene = sceneOf (patterned 1000)
                    let pid = scene.Folder.At "pid"

                    let script =
                        misbehaving
                            scene.Server
                            $"import time; open('{pid}', 'w').write(str(os.getpid())); time.sleep(1000)"

                    use sink = sinkOf (python script) 3. (LogBook())
                    let! failure = failureOf (fun () -> sink.PushAsync("bad", scene.Path))
                    unusable [ "gave no response within 3000 ms"; "was ended" ] failure
                    let ended = int (File.ReadAllText pid)
                    do! waitFor "its end" (fun () -> not (Directory.Exists $"/proc/{ended}"))
                    let! receipt = sink.PushAsync("x", scene.Path)
                    isTrueOf scene receipt
                })

        testCaseTask
            "whose late response would be taken for the next one's is ended when its caller cancels"
            (fun () ->
                task {
                    needsPython ()
                    use! scene = sceneOf (patterned 1000)
                    let asked = scene.Folder.At "asked"

                    let script =
                        misbehaving
                            scene.Server
                            $"import time; open('{asked}', 'w').write('asked'); time.sleep(1000)"

                    use sink = sinkOf (python script) 60. (LogBook())
                    use cancelled = new CancellationTokenSource()
                    let push = sink.PushAsync("bad", scene.Path, null, cancelled.Token)
                    do! waitFor "the question" (fun () -> File.Exists asked)
                    cancelled.Cancel()

                    let! ended =
                        task {
                            try
                                let! _ = push
                                return "a receipt"
                            with :? OperationCanceledException ->
                                return "cancelled"
                        }

                    Expect.equal ended "cancelled" "by its caller"
                    let! receipt = sink.PushAsync("x", scene.Path)
                    isTrueOf scene receipt
                })

        testCaseTask "that writes a line without a request is started again" (fun () ->
            task {
                needsPython ()
                use! scene = sceneOf (patterned 1000)
                let starts = scene.Folder.At "starts"

                let script =
                    $"open('{starts}', 'a').write('s')\n"
                    + gateway scene.Server
                    + """
for line in sys.stdin:
    answer({"url": url(json.loads(line))})
    import time; time.sleep(0.3)
    answer({"url": "https://h/another"})
"""

                use sink = sinkOf (python script) 20. (LogBook())
                let! _ = sink.PushAsync("a", scene.Path)
                do! Task.Delay 1500
                let! receipt = sink.PushAsync("x", scene.Path)
                isTrueOf scene receipt
                Expect.equal (File.ReadAllText starts) "ss" "twice"
            })

        testCaseTask "that cannot be started is named, with what to check" (fun () ->
            task {
                linuxOnly ()
                use! scene = sceneOf (patterned 1000)
                let plainFile = scene.Folder.Write("not-executable", "#!/bin/sh\n"B)

                for command, part in
                    [
                        [ "/no/such/presigner"; secret ], "No such file"
                        [ "no-such-presigner-in-path" ], "No such file"
                        [ plainFile ], "Permission denied"
                        [ scene.Folder.Path ], "could not be started"
                    ] do
                    use sink = sinkOf command 20. (LogBook())
                    let! failure = failureOf (fun () -> sink.PushAsync("x", scene.Path))
                    unusable [ List.head command; part; "could not be started" ] failure
            })

        testCaseTask "ends with its sink: at the end of its input, or by force after two seconds" (fun () ->
            task {
                needsPython ()

                for clings in [ false; true ] do
                    use! scene = sceneOf (patterned 1000)
                    let pid = scene.Folder.At "pid"
                    let gone = scene.Folder.At "gone"

                    let script =
                        giving scene.Server
                        + (if clings then
                               "import time\ntime.sleep(1000)\n"
                           else
                               $"open('{gone}', 'w').write('end of input')\n")

                    let script = $"import os\nopen('{pid}', 'w').write(str(os.getpid()))\n" + script

                    do
                        use sink = sinkOf (python script) 20. (LogBook())
                        let! _ = sink.PushAsync("x", scene.Path)
                        ()

                    let ended = int (File.ReadAllText pid)
                    do! waitFor "its end" (fun () -> not (Directory.Exists $"/proc/{ended}"))
                    Expect.equal (File.Exists gone) (not clings) "as it chose"
            })

        testCaseTask
            "of a spec is shared by its targets, and its standard error goes to the host's log"
            (fun () ->
                task {
                    needsPython ()
                    use! scene = sceneOf (patterned 1000)
                    let starts = scene.Folder.At "starts"
                    let script = scene.Folder.At "presign.py"
                    File.WriteAllText(script, $"open('{starts}', 'a').write('s')\n" + giving scene.Server)

                    let spec =
                        S3ExportSpec.Create [
                            S3ExportTarget(Name = "one", Bucket = bucket, KeyPrefix = "p1")
                            S3ExportTarget(Name = "two", Bucket = bucket, KeyPrefix = "p2")
                        ]

                    let variables =
                        environment [ "CELLOS_EXPORT_S3_URL_COMMAND", $"python3 -u '{script}'" ]

                    use sinks = S3ExportSinks.Create(spec, cellId, variables)
                    let! one = sinks["one"].PushAsync("x", scene.Path)
                    let! two = sinks["two"].PushAsync("x", scene.Path)
                    Expect.equal one.Destination $"s3://{bucket}/p1/cell-7/x" "one"
                    Expect.equal two.Destination $"s3://{bucket}/p2/cell-7/x" "two"
                    Expect.equal (File.ReadAllText starts) "s" "started once"
                })

        testCase "is refused at once if its options are wrong" (fun () ->
            for options, parts in
                [
                    CommandPresignedUrlProviderOptions(Command = []), [ "names no program" ]
                    CommandPresignedUrlProviderOptions(Command = [ "" ]), [ "names no program" ]
                    CommandPresignedUrlProviderOptions(Command = [ "a\000" ]), [ "NUL" ]
                    CommandPresignedUrlProviderOptions(Command = [ "a" ], RequestTimeout = TimeSpan.Zero),
                    [ "The request timeout is 0 ms. Give a positive time" ]
                    CommandPresignedUrlProviderOptions(Command = [], RequestTimeout = TimeSpan.MaxValue),
                    [ "names no program"; "The request timeout is"; "Give at most 2147483647 ms." ]
                ] do
                let error = errorOf (fun () -> new CommandPresignedUrlProvider(options) |> ignore)

                Expect.isTrue (error :? ArgumentException) "an argument"
                Expect.isFalse (error.Message.Contains "connect") "a command has no connect timeout"

                for part in parts do
                    Expect.stringContains error.Message part "what is wrong")
    ]
