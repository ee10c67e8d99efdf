/// What a failure repeats of a response: details, request ids, and texts that are not a store's.
module CellOS.Export.S3.Core.Tests.FailureDetailTests

open System.Text.Json
open Expecto
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Driver
open CellOS.Export.S3.Core.Tests.Stories
open CellOS.Export.S3.Core.Tests.Responses

let private once = given (retrying 1 0 0)

let private failed (reply: Reply) =
    failure (feed once [ started; attempted 1 reply ])

let private contains (parts: string list) (text: string) =
    for part in parts do
        Expect.stringContains text part "the message"

let private lacks (parts: string list) (text: string) =
    for part in parts do
        Expect.isFalse (text.Contains part) $"'{part}' in: {text}"

/// The headers in which stores send an id of the request.
let private requestIds = [
    "x-amz-request-id"
    "x-ms-request-id"
    "x-guploader-uploadid"
    "x-oss-request-id"
    "x-cos-request-id"
    "x-obs-request-id"
    "opc-request-id"
    "x-trans-id"
    "x-goog-request-id"
]

[<Tests>]
let tests =
    testList "A failure repeats" [
        for element, text in
            [
                "HeaderName", "x-ms-blob-type"
                "ParameterName", "x-goog-date"
                "Details", "Input was not in the correct format"
                "AuthenticationErrorDetail", "Signature did not match"
                "HeadersNotSigned", "x-amz-meta-run"
            ] do
            for status, code in
                [
                    400, "MalformedSecurityHeader"
                    403, "AuthenticationFailed"
                    403, "AccessDenied"
                ] do
                testCase $"the detail {element} of {code}" (fun () ->
                    (failed (s3 status code [ "Message", "m"; element, text ])).Message
                    |> contains [ $"HTTP {status} {code} (\"m\"; {element}: {text})" ])

        for header in requestIds do
            testCase $"the request id of a store: {header}" (fun () ->
                let failure =
                    failed (response 403 [ header, "ID-17" ] "<Error><Code>AccessDenied</Code></Error>")

                Expect.equal failure.RequestId (Some "ID-17") "for programs"
                contains [ "request id ID-17" ] failure.Message)

            testCase $"the request id of a store in the receipt: {header}" (fun () ->
                let reply = response 200 [ header, "ID-17"; "ETag", $"\"{md5}\"" ] ""
                let receipt = receipt (feed once [ started; attempted 1 reply ])
                Expect.equal receipt.RequestId (Some "ID-17") "the receipt")

        testCase "the host id, from the header or the document, for programs and in JSON" (fun () ->
            let failures = [
                failed (response 403 [ "x-amz-id-2", "HOST/2=" ] "<Error><Code>AccessDenied</Code></Error>")
                failed (s3 403 "AccessDenied" [ "HostId", "HOST/2=" ])
            ]

            for failure in failures do
                Expect.equal failure.HostId (Some "HOST/2=") "for programs"

                use json =
                    JsonDocument.Parse(FailureReport.toJson (FailureReport.ofFailure failure))

                Expect.equal
                    (json.RootElement.GetProperty("error").GetProperty("hostId").GetString())
                    "HOST/2="
                    "in JSON")

        testCase "the text of JSON with 404, and blames neither key nor bucket first" (fun () ->
            for body in
                [
                    """{"error":"no such container","code":17}"""
                    """{"code":"BucketNotFound"}"""
                ] do
                let message =
                    (failed (response 404 [ "Content-Type", "application/json"; "Server", "nginx" ] body))
                        .Message

                message
                |> contains [
                    $"HTTP 404 with JSON ('{body}', Server: nginx)"
                    "A gateway may have answered"
                ]

                message |> lacks [ "Create the bucket"; "the key that signed" ])

        testCase "a lack of memory as that, and blames neither network nor disk" (fun () ->
            let fault = Fault.Create(FaultKind.LocalFault, "this machine ran out of memory", 0L)

            let failure =
                failure (feed once [ started; Input.Attempted(at 1, 0.5, Outcome.NotSent fault) ])

            Expect.equal failure.Kind FailureKind.LocalFault "kind"

            failure.Message
            |> contains [ "this machine ran out of memory"; "Free or raise what this machine lacks" ]

            failure.Message
            |> lacks [ "check the network"; "Check the disk"; "the connection failed" ])
    ]
