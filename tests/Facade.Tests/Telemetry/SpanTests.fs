/// The span of a push, as the OpenTelemetry SDK sees it.
module Facade.Tests.SpanTests

open System
open System.Diagnostics
open System.Net.Http
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open LoopbackS3
open Facade.Tests.Listeners
open Facade.Tests.PushWays
open Facade.Tests.Support

/// Attributes of every span.
let private common (target: string) (artifact: string) =
    Map [
        "rpc.system.name", "aws-api"
        "rpc.method", "S3/PutObject"
        "http.request.method", "PUT"
        "aws.s3.bucket", bucket
        "aws.s3.key", keyOf artifact
        "cloud.region", "eu-west-1"
        "cellos.export.cell.id", cellId
        "cellos.export.artifact.name", artifact
        "cellos.export.target.name", target
    ]

let private withPairs pairs (map: Tags) =
    (map, pairs)
    ||> List.fold (fun map (name, value) -> if value = "" then map else Map.add name value map)

let private orEmpty (text: string | null) =
    match text with
    | null -> ""
    | text -> text

/// What there is besides, by how it ended.
let private ofEnd (way: Way) (end': End) (tags: Tags) =
    let attempts = way.Attempts.Length

    let status =
        match List.tryLast way.Attempts with
        | Some(status, _, _) -> status
        | None -> ""

    let tags =
        tags
        |> withPairs [
            "cellos.export.attempts", string attempts
            "http.request.resend_count", (if attempts > 1 then string (attempts - 1) else "")
            "http.response.status_code", status
            "error.type", way.Error
        ]

    match end' with
    | Receipt receipt ->
        tags
        |> withPairs [
            "cellos.export.outcome", "exported"
            "cellos.export.bytes", string receipt.BytesWritten
            "cellos.export.integrity", receipt.Integrity
            "aws.request_id", orEmpty receipt.RequestId
        ]
    | Failure failure ->
        tags
        |> withPairs [
            "cellos.export.outcome", "failed"
            "cellos.export.may_be_stored", string failure.MayBeStored
            "cellos.export.error.code", orEmpty failure.ErrorCode
            "aws.request_id", orEmpty failure.RequestId
        ]
    | Cancelled -> tags |> withPairs [ "cellos.export.outcome", "cancelled" ]

/// The extended id is the server's own, and on no receipt; where an attempt was made, there is a server.
let private own (scene: Scene) (way: Way) (url: string) (span: Span) (tags: Tags) =
    if way.Attempts.IsEmpty then
        tags
    else
        let port = Uri(url).Port

        tags
        |> withPairs [
            "server.address", "127.0.0.1"
            "server.port", string port
            "aws.extended_request_id", (if port = 1 then "" else span.Tag "aws.extended_request_id")
        ]

/// A checksum by its name in receipts, in Base64, computed by LoopbackS3's code.
let private checksum (name: string) (content: byte[]) =
    let crc (crc: Crc) =
        crc.Append(ReadOnlySpan content)
        crc.ToBytes()

    Convert.ToBase64String(
        match name with
        | "md5" -> Security.Cryptography.MD5.HashData content
        | "crc64nvme" -> crc (Crc.Crc64Nvme())
        | "crc64xz" -> crc (Crc.Crc64Xz())
        | "crc32c" -> crc (Crc.Crc32C())
        | name -> failtest $"no checksum {name}"
    )

let private only (spans: Span list) =
    Expect.hasLength spans 1 "one span"
    spans.Head

let private attemptsOf (span: Span) = [
    for name, tags in span.Events do
        Expect.equal name "cellos.export.attempt" "the event"
        tags
]

let private pick name (tags: Tags) =
    tags |> Map.tryFind name |> Option.defaultValue ""

[<Tests>]
let tests =
    testList "the span of a push" [
        for way in ways do
            testCaseTask $"tells of {way.Name}" (fun () ->
                task {
                    use! scene = scene "logs/a.txt" (patterned 1000)
                    let target = newTarget ()
                    use spans = new Spans()
                    let url, path = way.Ready scene
                    use sink = new PresignedS3ExportSink(optionsOf target url)
                    let! end' = endOf (fun () -> sink.PushAsync(scene.Artifact, path))
                    let span = only (spans.Of target)

                    Expect.equal span.Name "S3.PutObject" "the name"
                    Expect.equal span.Kind ActivityKind.Client "the kind"

                    Expect.equal
                        span.Tags
                        (common target scene.Artifact |> ofEnd way end' |> own scene way url span)
                        "the attributes"

                    Expect.sequenceEqual
                        [
                            for tags in attemptsOf span ->
                                pick "http.response.status_code" tags,
                                pick "error.type" tags,
                                pick "cellos.export.error.code" tags
                        ]
                        way.Attempts
                        "the attempts"

                    Expect.sequenceEqual
                        [ for tags in attemptsOf span -> pick "cellos.export.attempt.number" tags ]
                        [ for i in 1 .. way.Attempts.Length -> string i ]
                        "their numbers"

                    match end' with
                    | Failure failure ->
                        Expect.equal span.Status ActivityStatusCode.Error "an error"
                        Expect.equal span.Description failure.Message "the failure's words"
                        Expect.equal (string failure.Kind) way.Error "its kind"
                    | Receipt _
                    | Cancelled ->
                        Expect.equal span.Status ActivityStatusCode.Unset "no error"
                        Expect.equal span.Description "" "no words"
                })

        for name, first, second in
            [
                "PlainMd5", [ "etag-md5" ], [ "etag-md5" ]
                "AmazonS3", [ "etag-md5"; "crc64nvme" ], [ "checksum-crc64nvme"; "crc64nvme" ]
                "AmazonS3Kms", [ "checksum-crc64nvme"; "crc64nvme" ], [ "checksum-crc64nvme"; "crc64nvme" ]
                "GoogleCloudStorage", [ "content-md5"; "md5"; "crc32c" ], [ "content-md5"; "md5"; "crc32c" ]
                "TencentCos", [ "etag-md5"; "crc64xz" ], [ "etag-md5"; "crc64xz" ]
            ] do
            testCaseTask $"names what {name} confirmed, and the checksums that it reported" (fun () ->
                task {
                    let content = patterned 70_001

                    use! scene = sceneWith (LoopbackS3Options(Dialect = Dialect.All[name])) "a" content

                    let target = newTarget ()
                    use spans = new Spans()
                    use sink = new PresignedS3ExportSink(optionsOf target scene.Url)

                    for expected in [ first; second ] do
                        let! receipt = sink.PushAsync("a", scene.Path)
                        let span = List.last (spans.Of target)

                        let checksums = [
                            for tag in span.Tags do
                                if tag.Key.StartsWith "cellos.export.checksum." then
                                    tag.Key.Substring "cellos.export.checksum.".Length, tag.Value
                        ]

                        Expect.equal (span.Tag "cellos.export.integrity") expected.Head "what confirmed it"

                        Expect.equal
                            (List.sort checksums)
                            (expected.Tail |> List.sort |> List.map (fun name -> name, checksum name content))
                            "the checksums, by code of another"

                        Expect.equal checksums.Length receipt.Checksums.Count "as many as the receipt has"

                        if name.StartsWith "Amazon" then
                            Expect.equal
                                (span.Tag "aws.extended_request_id")
                                (orEmpty receipt.HostId)
                                "the host's id"
                })

        testCaseTask "names no confirmation and no checksum of a push without a receipt" (fun () ->
            task {
                use! scene =
                    sceneWith (LoopbackS3Options(Dialect = Dialect.AmazonS3)) "a" (patterned 1000)

                let target = newTarget ()
                use spans = new Spans()
                use sink = new PresignedS3ExportSink(optionsOf target scene.Url)
                scene.Server.MisbehaveAlways(bucket, scene.Key, Fault.WrongChecksums)
                let! failure = failureOf (fun () -> sink.PushAsync("a", scene.Path))
                Expect.equal failure.Kind ExportFailureKind.IntegrityMismatch failure.Message
                let span = only (spans.Of target)

                for tag in span.Tags do
                    Expect.isFalse
                        (tag.Key = "cellos.export.integrity" || tag.Key.Contains ".checksum.")
                        $"{tag.Key}={tag.Value}"
            })

        testCaseTask "tells of each attempt how much of the body went out, and the server's ids" (fun () ->
            task {
                let content = patterned 300_000
                use! scene = scene "a" content
                let target = newTarget ()
                use spans = new Spans()

                scene.Server.Misbehave(
                    bucket,
                    scene.Key,
                    Fault.Status(503, "SlowDown"),
                    Fault.Status(503, "SlowDown", beforeBody = true)
                )

                use sink = new PresignedS3ExportSink(optionsFrom 0L target scene.Url)
                let! receipt = sink.PushAsync("a", scene.Path)
                let attempts = attemptsOf (only (spans.Of target))

                Expect.sequenceEqual
                    [ for tags in attempts -> pick "cellos.export.attempt.bytes" tags ]
                    [ "300000"; "0"; "300000" ]
                    "whole, refused before the body, whole"

                Expect.equal
                    (pick "aws.request_id" attempts[2])
                    (orEmpty receipt.RequestId)
                    "the receipt's id"

                Expect.hasLength
                    (attempts
                     |> List.map (fun tags ->
                         pick "aws.request_id" tags, pick "aws.extended_request_id" tags)
                     |> List.distinct)
                    3
                    "each has its own"
            })

        testCaseTask "of a cancelled push is no error, and tells of the attempt that was cut short" (fun () ->
            task {
                use! scene = scene "a" (patterned 1000)
                let target = newTarget ()
                use spans = new Spans()
                scene.Server.MisbehaveAlways(bucket, scene.Key, Fault.Silence true)
                use sink = new PresignedS3ExportSink(optionsOf target scene.Url)
                use cancel = new CancellationTokenSource()

                let push =
                    endOf (fun () -> sink.PushAsync("a", scene.Path, cancellationToken = cancel.Token))

                do!
                    waitFor "the body" (fun () ->
                        scene.Puts |> List.exists (fun put -> put.BodySha256 <> null))

                cancel.Cancel()
                let! end' = push
                Expect.equal end' Cancelled "cancelled"
                let span = only (spans.Of target)
                Expect.equal span.Status ActivityStatusCode.Unset "as HTTP's conventions want it"
                Expect.equal (span.Tag "cellos.export.outcome") "cancelled" "the outcome"
                Expect.equal (span.Tag "cellos.export.attempts") "1" "it was begun"
                Expect.isFalse (span.Tags.ContainsKey "error.type") "no kind of error"
                let attempt = List.exactlyOne (attemptsOf span)
                Expect.equal (pick "cellos.export.attempt.bytes" attempt) "1000" "the whole body was out"
                Expect.equal (attempt.Count) 2 "nothing else is known of it"
            })

        testCaseTask "is not made for a push that was cancelled before, or is not valid" (fun () ->
            task {
                use! scene = scene "a" (patterned 10)
                let target = newTarget ()
                use spans = new Spans()
                use sink = new PresignedS3ExportSink(optionsOf target scene.Url)

                let! end' =
                    endOf (fun () ->
                        sink.PushAsync("a", scene.Path, cancellationToken = CancellationToken true))

                Expect.equal end' Cancelled "cancelled"

                Expect.throwsT<ArgumentException>
                    (fun () -> sink.PushAsync("../a", scene.Path) |> ignore)
                    "the name"

                Expect.isEmpty (spans.Of target) "no span"
            })

        testCaseTask "of a sink that was disposed of names the exception, and none of its words" (fun () ->
            task {
                use folder = new Folder()
                let target = newTarget ()
                use spans = new Spans()

                use sink =
                    scriptedSink (optionsOf target "http://h/x") TimeProvider.System 0. (fun _ _ ->
                        raise (ObjectDisposedException "System.Net.Http.HttpClient"))

                let! ended =
                    Task.WhenAny(sink.PushAsync("a", folder.Write("a", patterned 10)) :> Task)

                Expect.isTrue ended.IsFaulted "faulted"
                let span = only (spans.Of target)
                Expect.equal (span.Tag "error.type") "System.ObjectDisposedException" "the type"
                Expect.equal span.Status ActivityStatusCode.Error "an error"
                Expect.equal span.Description "" "no words"
                Expect.equal (span.Tag "cellos.export.outcome") "failed" "the outcome"

                Expect.equal
                    (pick "error.type" (List.exactlyOne (attemptsOf span)))
                    "System.ObjectDisposedException"
                    "of the attempt that it ended, too"
            })

        testCaseTask "keeps names as they are" (fun () ->
            task {
                for name in
                    [
                        "ü/日本 語.txt"
                        "a&b=c?d#e%20f+g"
                        "'; DROP TABLE spans; --"
                        "{artifact_name}"
                        String('x', 255)
                    ] do
                    let! server = LoopbackS3Server.StartAsync(LoopbackS3Options())
                    use! scene = Task.FromResult(new Scene(server, name, patterned 10))
                    let target = newTarget ()
                    use spans = new Spans()
                    use sink = new PresignedS3ExportSink(optionsOf target scene.Url)
                    let! _ = sink.PushAsync(name, scene.Path)
                    let span = only (spans.Of target)
                    Expect.equal (span.Tag "cellos.export.artifact.name") name "the artifact"
                    Expect.equal (span.Tag "aws.s3.key") (keyOf name) "the key"
            })
    ]
