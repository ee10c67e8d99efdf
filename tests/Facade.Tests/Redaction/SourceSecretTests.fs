/// What sources of URLs repeat, and credentials in the place of paths and names.
module Facade.Tests.SourceSecretTests

open System
open System.IO
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open LoopbackS3
open Facade.Tests.Support
open Facade.Tests.BrokerSupport
open Facade.Tests.CompositionSupport

let private opaque = "Zk3vT9qLw2XbR7mY5nP8"

let private jwt =
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzM2NyM3QifQ.Q7rXk9vZ2LmP4tYw8sB1nD6fH3jK5gA0cE"

let private hidden (texts: string seq) =
    for text in texts do
        Expect.isFalse (text.Contains opaque) text
        Expect.isFalse (text.Contains(jwt.Substring(0, 30))) text

let private failing: IPresignedUrlProvider = {
    new IPresignedUrlProvider with
        member _.GetUrlAsync(_, _) =
            raise (InvalidOperationException $"vault key {opaque} denied")
}

[<Tests>]
let tests =
    testList "Secrets of sources" [
        testCaseTask "the log of a command shows nothing of the URL that the command gave" (fun () ->
            task {
                needsPython ()
                use! scene = scene "x" (patterned 1000)
                let log = LogBook()
                let url = scene.Server.Presign("PUT", bucket, "cell-7/x")
                let signature = url.Substring(url.IndexOf "X-Amz-Signature=" + 16)

                let script =
                    $"""
import json, sys
for line in sys.stdin:
    url = "{url}"
    sys.stderr.write("DEBUG:botocore.auth:Signature:\n{signature}\n")
    sys.stderr.write("granted {signature.Substring(0, 30)} in part\n")
    sys.stderr.write(url[:150] + "\n" + url[150:] + "\n")
    sys.stderr.write("--pin " + sys.argv[2] + " is wrong\n")
    sys.stdout.write(json.dumps({{"url": url}}) + "\n")
    sys.stdout.flush()
    sys.stderr.write("once more {signature.Substring(9, 40)}\n")
"""

                let options = askingCommand (python script @ [ "--pin"; opaque ])
                use sink = new PresignedS3ExportSink(options, TimeProvider.System, log)
                let! _ = sink.PushAsync("x", scene.Path)
                do! waitFor "the log" (fun () -> log.Lines |> List.exists _.Contains("once more"))
                hidden log.Lines
                Expect.exists log.Lines _.Contains("DEBUG:botocore.auth:Signature:") "the name"

                for part in signature |> Seq.windowed 12 |> Seq.map String do
                    Expect.all log.Lines (fun line -> not (line.Contains part)) part
            })

        testCaseTask "a failure quotes nothing that a command said of an earlier artifact" (fun () ->
            task {
                needsPython ()
                use! scene = scene "x" (patterned 1000)
                let log = LogBook()
                let url = scene.Server.Presign("PUT", bucket, "cell-7/x")

                let script =
                    $"""
import json, sys
for line in sys.stdin:
    if json.loads(line)["artifactName"] != "x":
        sys.exit(3)
    sys.stderr.write("lease of x: joe\nsee https://vault.example/x\n")
    sys.stderr.flush()
    sys.stdout.write(json.dumps({{"url": "{url}"}}) + "\n")
    sys.stdout.flush()
"""

                use sink =
                    new PresignedS3ExportSink(askingCommand (python script), TimeProvider.System, log)

                let! _ = sink.PushAsync("x", scene.Path)
                do! waitFor "the log" (fun () -> log.Lines |> List.exists _.Contains("lease of x"))
                let! failure = failureOf (fun () -> sink.PushAsync("y", scene.Path))
                Expect.stringContains failure.Message "exited with code 3" "what it did"
                Expect.isFalse (failure.Message.Contains "lease") failure.Message
                Expect.isFalse (failure.Message.Contains "vault") failure.Message
                do! waitFor "all of it" (fun () -> log.Lines |> List.exists _.Contains("vault"))
            })

        testCaseTask "a token in the place of a command is not shown" (fun () ->
            task {
                use! scene = scene "x" (patterned 1000)

                for token in [ opaque; jwt; "3f8a1c5e7b9d2f4a6c8e0b1d3f5a7c9e1b3d5f7a" ] do
                    use sink = new PresignedS3ExportSink(askingCommand [ token ])
                    let! failure = failureOf (fun () -> sink.PushAsync("x", scene.Path))
                    hidden [ string failure; failure.ToJson() ]
                    Expect.isFalse (failure.Message.Contains token) failure.Message
                    Expect.stringContains failure.Message "looks like a credential" "the cause"
            })

        testCaseTask "the failure of a broker shows neither its address's key nor an earlier token" (fun () ->
            task {
                use! scene = scene "x" (patterned 1000)
                let tokenFile = scene.Folder.At "token"
                File.WriteAllText(tokenFile, jwt)

                let script: BrokerScript =
                    fun request ->
                        if request.Header "Authorization" = $"Bearer {jwt}" then
                            File.WriteAllText(tokenFile, "another-token")
                            Task.FromResult(respond 401 "{}")
                        else
                            Task.FromResult(
                                respond 403 $"""{{"error":{{"message":"no {opaque} and no {jwt}"}}}}"""
                            )

                use broker = broker script

                let options =
                    PresignedS3ExportSinkOptions(
                        BrokerUrl = $"{broker.Url}?code={opaque}",
                        BrokerTokenFile = tokenFile,
                        CellId = cellId,
                        Bucket = bucket
                    )

                use sink = new PresignedS3ExportSink(options)
                let! failure = failureOf (fun () -> sink.PushAsync("x", scene.Path))
                hidden [ string failure; failure.ToJson() ]
                Expect.stringContains failure.Message "no REDACTED and no REDACTED" "the response"
            })

        testCaseTask "a foreign exception of a provider is named, and its message is not shown" (fun () ->
            task {
                use! scene = scene "x" (patterned 1000)

                let options =
                    PresignedS3ExportSinkOptions(UrlProvider = failing, CellId = cellId, Bucket = bucket)

                use sink = new PresignedS3ExportSink(options)
                let! failure = failureOf (fun () -> sink.PushAsync("x", scene.Path))
                hidden [ string failure; failure.ToJson() ]
                Expect.stringContains failure.Message "InvalidOperationException" "its type"
                Expect.stringContains failure.Message "Throw a PresignedUrlException" "what to do"
            })

        testCase "the path of a folder or an artifact is shown without what may be a credential" (fun () ->
            let url = $"https://h/p?k={opaque}"
            hidden [ string (errorOf (fun () -> ExportRoot.Open url |> ignore)) ]
            hidden [ string (ExportArtifact("a", url)); string (ExportArtifact(url, "/x")) ]
            use root = ExportRoot.Open(Path.GetTempPath())
            let artifact = ExportArtifact(Name = "a", Path = "x", Root = root)
            Expect.stringContains (string artifact) "Path = x" "a path stays")

        testCaseTask "a token in the place of its file is not shown, and the remedy names a path" (fun () ->
            task {
                use! scene = scene "x" (patterned 1000)
                use broker = broker (grant scene.Server)

                for token in [ jwt; opaque ] do
                    let options =
                        PresignedS3ExportSinkOptions(
                            BrokerUrl = broker.Url,
                            BrokerTokenFile = token,
                            CellId = cellId,
                            Bucket = bucket
                        )

                    use sink = new PresignedS3ExportSink(options)
                    let! failure = failureOf (fun () -> sink.PushAsync("x", scene.Path))
                    hidden [ string failure ]

                    Expect.stringContains
                        failure.Message
                        "looks like the content of a file, not like its path. Give the path of a file"
                        "the remedy"

                    hidden [
                        string (
                            errorOf (fun () ->
                                new PresignedS3ExportSink(
                                    PresignedS3ExportSinkOptions(
                                        PresignedUrl = "http://localhost/x",
                                        CaBundle = token,
                                        CellId = cellId,
                                        Bucket = bucket
                                    )
                                )
                                |> ignore)
                        )
                    ]
            })
    ]
