/// Secrets that are in no URL, and are told to no listener either.
module Facade.Tests.ListenerSecretTests

open System
open System.Net
open System.Net.Http
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Facade.Tests.Support

let private signature = String.replicate 32 "5e"

[<Tests>]
let tests =
    testList "no secret is told to listeners" [
        testCaseTask "a customer's key that the server echoes" (fun () ->
            task {
                use folder = new Folder()
                let key = "c2VjcmV0LWtleS1vZi10aGUtY3VzdG9tZXIhISEhISE="
                let target = Listeners.newTarget ()
                let objectKey = keyOf "a"
                use spans = new Listeners.Spans()
                use metrics = new Listeners.Metrics()

                use sink =
                    scriptedSink
                        (PresignedS3ExportSinkOptions(
                            PresignedUrl =
                                $"https://h/{objectKey}?X-Amz-Signature={signature}&X-Amz-SignedHeaders=host%%3Bx-amz-server-side-encryption-customer-key",
                            CellId = cellId,
                            Bucket = bucket,
                            TargetName = target,
                            Headers = readOnlyDict [ "x-amz-server-side-encryption-customer-key", key ]
                        ))
                        TimeProvider.System
                        0.
                        (fun request _ ->
                            task {
                                let! _ = drain request
                                let response = new HttpResponseMessage(HttpStatusCode.BadRequest)

                                for header in [ "x-amz-request-id"; "x-amz-id-2" ] do
                                    response.Headers.TryAddWithoutValidation(header, $"id-{key}") |> ignore

                                response.Content <-
                                    new StringContent(
                                        $"<Error><Code>{key}</Code><Message>the key {key}</Message></Error>"
                                    )

                                return response
                            })

                let! failure =
                    failureOf (fun () -> sink.PushAsync("a", folder.Write("a", patterned 10)))

                Expect.equal failure.Attempts 1 "it was sent"
                let heard = (spans.Of target |> List.map Listeners.textOf)
                Expect.hasLength heard 1 "a span"

                for text in heard @ (metrics.Of target |> List.map (sprintf "%A")) do
                    Expect.isFalse (text.Contains key) text
            })

        testCaseTask "user name and password of a proxy" (fun () ->
            task {
                use folder = new Folder()
                let target = "artifact-bucket"
                use spans = new Listeners.Spans()

                for proxy in
                    [
                        "http://5ecret-user:5ecret-word@127.0.0.1:1"
                        "socks5://5ecret-user:5ecret-word@127.0.0.1:1"
                    ] do
                    let environment =
                        readOnlyDict<string, string | null> [
                            "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET",
                            $"http://proxied.invalid/{cellId}/a?X-Amz-Signature={signature}"
                            "CELLOS_EXPORT_S3_RETRY_BACKOFF_MS__ARTIFACT_BUCKET", "0"
                            "http_proxy", proxy
                        ]

                    let spec = S3ExportSpec.Create [ S3ExportTarget(Name = target, Bucket = bucket) ]

                    use sinks = S3ExportSinks.Create(spec, cellId, environment)

                    let! failure =
                        failureOf (fun () -> sinks[target].PushAsync("a", folder.Write("a", patterned 10)))

                    Expect.equal failure.Kind ExportFailureKind.Unreachable "the proxy is not there"

                let heard =
                    spans.Of target
                    |> List.filter (fun span -> span.Tag "server.address" = "proxied.invalid")

                Expect.hasLength heard 2 "two spans"

                for span in heard do
                    Expect.isFalse ((Listeners.textOf span).Contains "5ecret") (Listeners.textOf span)
                    Expect.isFalse ((Listeners.textOf span).Contains signature) "no signature"
            })
    ]
