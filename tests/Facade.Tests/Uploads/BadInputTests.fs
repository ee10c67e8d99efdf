module Facade.Tests.BadInputTests

open System
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Facade.Tests.Support

let private good =
    "https://evidence.s3.eu-west-1.amazonaws.com/cell-7/a?X-Amz-Signature=0123456789abcdef0123"

let private refusal (build: unit -> PresignedS3ExportSink) =
    try
        use _ = build ()
        failtest "a sink where a refusal was expected"
    with :? ArgumentException as error ->
        Expect.isFalse (error.Message.Contains "0123456789abcdef0123") "the signature is not in the message"
        error.Message

let private withUrl url =
    fun () -> new PresignedS3ExportSink(url, cellId, bucket, null, null, null, 3, 500L)

let private urls = [
    "", "empty"
    "   ", "empty"
    "not a url", "space"
    "evidence.s3.amazonaws.com/x", "http:// or https://"
    "ftp://host/x", "http:// or https://"
    "s3://bucket/key", "Give the presigned URL"
    "https://", "host"
    "https:///x", "host"
    "https://host:99999/x", "port"
    good + "\r\nX-Evil: 1", "U+000D"
    "https://host/a\nb?X-Amz-Signature=0123456789abcdef0123", "U+000A"
    "https://host/a b", "%20"
    "https://host/ü", "percent-encoded"
    "https://user:0123456789abcdef0123@host/x", "user info"
    good + "#part", "fragment"
    "https://host/{artifact}", "{artifact}"
    "https://host/{artifact}", "{artifact_name}"
    "https://host/x?token={0123456789abcdef0123}", "{cell_id}"
    "https://{cell_id}.host/x", "path"
    "https://host/{cell_id", "brace"
    "https://host/a%zz", "hexadecimal"
]

let private names = [
    ""
    ".."
    "."
    "a/../b"
    "/a"
    "a/"
    "a//b"
    "a\\b"
    "a\nb"
    "a\000b"
    String('x', 256)
    "a/" + string (char 0xd800)
]

[<Tests>]
let tests =
    testList "bad input" [
        testList "in the URL is refused when the sink is built, saying why" [
            for i, (url, text) in List.indexed urls ->
                testCase $"{i}: {text}" (fun () -> Expect.stringContains (refusal (withUrl url)) text "why")
        ]

        testList "as an artifact name is refused, and nothing is sent" [
            for i, name in List.indexed names ->
                testCaseTask $"{i}" (fun () ->
                    task {
                        use! scene = scene "a" [| 1uy |]
                        use sink = sinkFor scene.Url

                        Expect.throwsT<ArgumentException>
                            (fun () -> sink.PushAsync(name, scene.Path).GetAwaiter().GetResult() |> ignore)
                            "the push"

                        Expect.throwsT<ArgumentException>
                            (fun () -> sink.DestinationHint name |> ignore)
                            "the hint"

                        Expect.isEmpty scene.Puts "nothing was sent"
                    })
        ]

        testCase "all at once is told all at once" (fun () ->
            let message =
                refusal (fun () ->
                    new PresignedS3ExportSink("ftp://host/x", "..", "a/b", "x/../y", null, null, 0, -1L))

            for text in
                [
                    "http://"
                    "cell id"
                    "bucket"
                    "key prefix"
                    "number of attempts"
                    "retry backoff"
                ] do
                Expect.stringContains message text "each is named")

        testCase "of zero attempts is refused" (fun () ->
            let message =
                refusal (fun () -> new PresignedS3ExportSink(good, cellId, bucket, null, null, null, 0, 0L))

            Expect.stringContains message "1 or more" "what to give")

        testCase "of a negative backoff is refused" (fun () ->
            let message =
                refusal (fun () -> new PresignedS3ExportSink(good, cellId, bucket, null, null, null, 1, -1L))

            Expect.stringContains message "-1 ms" "what it was")

        testCase "of an enormous backoff is refused" (fun () ->
            refusal (fun () ->
                new PresignedS3ExportSink(good, cellId, bucket, null, null, null, 1, Int64.MaxValue))
            |> ignore

            refusal (fun () ->
                new PresignedS3ExportSink(good, cellId, bucket, null, null, null, 1, Int64.MinValue))
            |> ignore)

        for name, options in
            [
                "no request timeout",
                PresignedS3ExportSinkOptions(
                    PresignedUrl = good,
                    CellId = cellId,
                    Bucket = bucket,
                    RequestTimeout = TimeSpan.Zero
                )
                "an infinite connect timeout",
                PresignedS3ExportSinkOptions(
                    PresignedUrl = good,
                    CellId = cellId,
                    Bucket = bucket,
                    ConnectTimeout = Threading.Timeout.InfiniteTimeSpan
                )
                "an endless request timeout",
                PresignedS3ExportSinkOptions(
                    PresignedUrl = good,
                    CellId = cellId,
                    Bucket = bucket,
                    RequestTimeout = TimeSpan.MaxValue
                )
                "a deadline of nothing",
                PresignedS3ExportSinkOptions(
                    PresignedUrl = good,
                    CellId = cellId,
                    Bucket = bucket,
                    Deadline = TimeSpan.Zero
                )
                "a negative size",
                PresignedS3ExportSinkOptions(
                    PresignedUrl = good,
                    CellId = cellId,
                    Bucket = bucket,
                    MaxObjectBytes = -1L
                )
                "a negative threshold",
                PresignedS3ExportSinkOptions(
                    PresignedUrl = good,
                    CellId = cellId,
                    Bucket = bucket,
                    ExpectContinueMinBytes = -1L
                )
                "an integrity that there is not",
                PresignedS3ExportSinkOptions(
                    PresignedUrl = good,
                    CellId = cellId,
                    Bucket = bucket,
                    Integrity = enum<S3ExportIntegrity> 42
                )
                "a retry mode that there is not",
                PresignedS3ExportSinkOptions(
                    PresignedUrl = good,
                    CellId = cellId,
                    Bucket = bucket,
                    RetryMode = enum<S3ExportRetryMode> 42
                )
                "a connect timeout of 30 days",
                PresignedS3ExportSinkOptions(
                    PresignedUrl = good,
                    CellId = cellId,
                    Bucket = bucket,
                    ConnectTimeout = TimeSpan.FromDays 30.
                )
                "a target name with a blank",
                PresignedS3ExportSinkOptions(
                    PresignedUrl = good,
                    CellId = cellId,
                    Bucket = bucket,
                    TargetName = "a b"
                )
            ] do
            testCase $"such as {name} is refused" (fun () ->
                refusal (fun () -> new PresignedS3ExportSink(options)) |> ignore)

        testCase "of null is refused" (fun () ->
            let nothing = Unchecked.defaultof<string>

            for build in
                [
                    fun () -> new PresignedS3ExportSink(nothing, cellId, bucket, null, null, null, 1, 0L)
                    fun () -> new PresignedS3ExportSink(good, nothing, bucket, null, null, null, 1, 0L)
                    fun () -> new PresignedS3ExportSink(good, cellId, nothing, null, null, null, 1, 0L)
                    fun () -> new PresignedS3ExportSink(Unchecked.defaultof<PresignedS3ExportSinkOptions>)
                ] do
                refusal build |> ignore

            use sink = sinkFor good

            for call in
                [
                    fun () -> sink.DestinationHint nothing |> ignore
                    fun () -> sink.PushAsync(nothing, "x") |> ignore
                    fun () -> sink.PushAsync("x", nothing) |> ignore
                ] do
                Expect.throwsT<ArgumentNullException> call "null")

        testCaseTask "of a key over 1,024 bytes is refused before anything is sent" (fun () ->
            task {
                use! scene = scene "a" [| 1uy |]
                use sink = sinkFor scene.Url
                // "cell-7/" and five segments of 200 characters with their slashes: 7 + 1004; then the rest.
                let long rest =
                    String.Join('/', Array.create 5 (String('k', 200))) + "/" + String('k', rest)

                Expect.stringEnds (sink.DestinationHint(long 12)) "k" "1,024 bytes are allowed"

                let error =
                    try
                        sink.PushAsync(long 13, scene.Path).GetAwaiter().GetResult() |> ignore
                        failtest "a receipt"
                    with :? ArgumentException as error ->
                        error

                Expect.stringContains error.Message "1025 bytes" "how long it is"
                Expect.stringContains error.Message "1024" "how long it may be"
                Expect.isEmpty scene.Puts "nothing was sent"
            })

        testCaseTask "as a content type is refused" (fun () ->
            task {
                use! scene = scene "a" [| 1uy |]
                use sink = sinkFor scene.Url

                for value in [ ""; " "; "text/plain\r\nX-Evil: 1"; "ü"; String('x', 256) ] do
                    Expect.throwsT<ArgumentException>
                        (fun () ->
                            sink.PushAsync("a", scene.Path, ExportArtifactMetadata(ContentType = value))
                            |> ignore)
                        value

                Expect.isEmpty scene.Puts "nothing was sent"
            })
    ]
