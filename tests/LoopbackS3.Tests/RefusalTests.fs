/// Every refusal: status, code, message, further elements; and nothing stored, no body read.
module RefusalTests

open System
open System.Collections.Generic
open System.Net.Http
open Expecto
open LoopbackS3
open Client

type private Case = {
    Name: string
    Make: LoopbackS3Server -> HttpRequestMessage
    Status: int
    Code: string
    Message: string
    Elements: (string * string) list
}

let private body = Some(bytes "evidence")

let private query message =
    400, "AuthorizationQueryParametersError", message

let private mismatch =
    403,
    "SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided."
    + " Check your key and signing method."

let private refused name make (status, code, message) elements = {
    Name = name
    Make = make
    Status = status
    Code = code
    Message = message
    Elements = elements
}

/// A PUT whose URL has been changed after signing.
let private changed (change: string -> string) (server: LoopbackS3Server) =
    request "PUT" (change (server.Presign("PUT", "evidence", "k"))) body []

let private replaced (before: string) (after: string) =
    changed (fun url ->
        if not (url.Contains before) then
            failwith before

        url.Replace(before, after))

let private without (parameter: string) =
    changed (fun url ->
        let path, query = url.Split '?' |> fun parts -> parts[0], parts[1].Split '&'

        path
        + "?"
        + String.Join("&", query |> Array.filter (fun p -> not (p.StartsWith parameter))))

let private signed (at: DateTimeOffset) (expires: float) (server: LoopbackS3Server) =
    let url =
        server.Presign("PUT", "evidence", "k", expires = TimeSpan.FromSeconds expires, signedAt = at)

    request "PUT" url body []

let private elsewhere accessKey region (server: LoopbackS3Server) =
    let url =
        Presigner.Presign(
            "PUT",
            server.Endpoint,
            "evidence",
            "k",
            accessKey,
            options.SecretKey,
            region,
            now,
            TimeSpan.FromHours 1.
        )

    request "PUT" url body []

let private withHeaders bucket key headers (server: LoopbackS3Server) =
    request "PUT" (server.Presign("PUT", bucket, key)) body headers

let private cases = [
    refused "a tampered signature" (changed (fun url -> url.Substring(0, url.Length - 4) + "0000")) mismatch [
        "AWSAccessKeyId", options.AccessKey
    ]
    refused "the URL of another key" (replaced "/evidence/k?" "/evidence/other?") mismatch []
    refused "the URL of another bucket" (replaced "/evidence/k?" "/versioned/k?") mismatch []
    refused "a longer life than was signed" (replaced "Expires=3600" "Expires=7200") mismatch []
    refused
        "the URL of another method"
        (fun server -> request "PUT" (server.Presign("GET", "evidence", "k")) body [])
        mismatch
        []
    refused
        "a signed header that is missing"
        (fun server ->
            let headers = Dictionary(dict [ "x-amz-meta-case", "7" ])
            request "PUT" (server.Presign("PUT", "evidence", "k", headers = headers)) body [])
        mismatch
        []
    refused "an expired URL" (signed (now.AddHours -1.) 3599.) (403, "AccessDenied", "Request has expired") [
        "X-Amz-Expires", "3599"
        "Expires", "2026-01-02T03:04:04Z"
        "ServerTime", "2026-01-02T03:04:05Z"
    ]
    refused
        "a date in the future"
        (signed (now.AddMinutes 16.) 3600.)
        (403, "AccessDenied", "Request is not yet valid")
        [ "Expires", "2026-01-02T04:20:05Z"; "ServerTime", "2026-01-02T03:04:05Z" ]
    refused
        "an unknown access key"
        (elsewhere "AKIAUNKNOWN" "us-east-1")
        (403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
        [ "AWSAccessKeyId", "AKIAUNKNOWN" ]
    refused "no signature" (changed (fun url -> url.Split('?')[0])) (403, "AccessDenied", "Access Denied") []
    for name in [ "Algorithm"; "Credential"; "Signature"; "Date"; "SignedHeaders"; "Expires" ] do
        refused
            $"a missing X-Amz-{name}"
            (without $"X-Amz-{name}=")
            (query (
                "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential,"
                + " X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
            ))
            []
    refused
        "another algorithm"
        (replaced "AWS4-HMAC-SHA256" "AWS4-HMAC-SHA1")
        (query "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"")
        []
    refused
        "a malformed date"
        (replaced "X-Amz-Date=20260102T" "X-Amz-Date=2026-01-02T")
        (query "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
        []
    refused
        "a life that is no number"
        (replaced "Expires=3600" "Expires=1h")
        (query "X-Amz-Expires should be a number")
        []
    refused "a negative life" (signed now -1.) (query "X-Amz-Expires must be non-negative") []
    refused
        "a life of more than a week"
        (signed now 604801.)
        (query (
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be"
            + " less than 604800 seconds"
        ))
        []
    refused
        "a malformed credential"
        (replaced "%2Fs3%2Faws4_request" "%2Fs3")
        (query (
            "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting"
            + " \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"."
        ))
        []
    refused
        "another region"
        (elsewhere options.AccessKey "eu-west-1")
        (query (
            "Error parsing the X-Amz-Credential parameter; the region 'eu-west-1' is wrong; expecting 'us-east-1'"
        ))
        [ "Region", "us-east-1" ]
    refused
        "another service"
        (replaced "%2Fs3%2F" "%2Fec2%2F")
        (query (
            "Error parsing the X-Amz-Credential parameter; incorrect service \"ec2\"."
            + " This endpoint belongs to \"s3\"."
        ))
        []
    refused
        "another day in the scope"
        (replaced "%2F20260102%2F" "%2F20260101%2F")
        (query "Invalid credential date \"20260101\". This date is not the same as X-Amz-Date: \"20260102\".")
        []
    refused
        "x-amz headers that are not signed"
        (withHeaders "evidence" "k" [ "x-amz-meta-b", "2"; "X-Amz-Acl", "private" ])
        (403, "AccessDenied", "There were headers present in the request which were not signed")
        [ "HeadersNotSigned", "x-amz-acl, x-amz-meta-b" ]
    refused
        "a host that is not signed"
        (replaced "SignedHeaders=host" "SignedHeaders=date")
        (403, "AccessDenied", "There were headers present in the request which were not signed")
        [ "HeadersNotSigned", "host" ]
    refused
        "a bucket that does not exist"
        (withHeaders "nowhere" "k" [])
        (404, "NoSuchBucket", "The specified bucket does not exist")
        [ "BucketName", "nowhere" ]
    refused
        "a key of 1,025 bytes"
        (withHeaders "evidence" (String('é', 512) + "x") [])
        (400, "KeyTooLongError", "Your key is too long")
        [ "Size", "1025"; "MaxSizeAllowed", "1024" ]
    refused
        "a key that is no UTF-8"
        (replaced "/evidence/k?" "/evidence/%FF?")
        (400, "InvalidURI", "Couldn't parse the specified URI.")
        []
    refused
        "a chunked body"
        (fun server ->
            let message = withHeaders "evidence" "k" [] server
            message.Headers.TransferEncodingChunked <- true
            message)
        (411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
        []
    refused
        "a malformed Content-MD5"
        (withHeaders "evidence" "k" [ "Content-MD5", "bm90IGFuIE1ENQ==" ])
        (400, "InvalidDigest", "The Content-MD5 you specified was invalid.")
        [ "Content-MD5", "bm90IGFuIE1ENQ==" ]
    refused
        "no digest where Object Lock asks for one"
        (withHeaders "locked" "k" [])
        (400,
         "InvalidRequest",
         "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters")
        []
    refused
        "If-None-Match with an ETag"
        (withHeaders "evidence" "k" [ "If-None-Match", "\"abc\"" ])
        (501, "NotImplemented", "A header you provided implies functionality that is not implemented")
        [ "Header", "If-None-Match" ]
    refused
        "another method"
        (fun server -> request "DELETE" (server.Presign("DELETE", "evidence", "k")) None [])
        (405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
        [ "Method", "DELETE" ]
    refused
        "GET of what is not there"
        (fun server -> request "GET" (server.Presign("GET", "evidence", "no\u0001ne")) None [])
        (404, "NoSuchKey", "The specified key does not exist.")
        []
]

[<Tests>]
let tests =
    testList "refusals" [
        for case in cases do
            testCaseTask case.Name (fun () ->
                task {
                    use! server = start ()
                    let! reply = send (case.Make server)
                    // A key may hold a character that XML 1.0 cannot; S3 refers to it all the same.
                    let text = reply.Text.Replace("&#x1;", "")
                    let reply = { reply with Body = bytes text }
                    Expect.equal (reply.Status, reply.Code) (case.Status, case.Code) text
                    Expect.equal (reply.Element "Message") case.Message "message"
                    Expect.equal (reply.Header "Content-Type") "application/xml" "content type"

                    for name, value in case.Elements do
                        Expect.equal (reply.Element name) value name

                    Expect.equal (reply.Element "RequestId") (reply.Header "x-amz-request-id") "request id"
                    Expect.equal (reply.Element "HostId") (reply.Header "x-amz-id-2") "host id"
                    Expect.isEmpty server.Objects "nothing is stored"
                    let seen = Seq.exactlyOne server.Requests
                    Expect.equal (seen.BodyBytes, Option.ofNullable seen.Status) (0L, Some case.Status) "log"
                })

        testCaseTask "SignatureDoesNotMatch echoes what S3 echoes" (fun () ->
            task {
                use! server = start ()
                let url = server.Presign("PUT", "evidence", "k")
                let given = String('0', 64)
                let tampered = url.Substring(0, url.Length - 64) + given
                let! reply = send (request "PUT" tampered body [])
                Expect.equal (reply.Element "SignatureProvided") given "SignatureProvided"

                Expect.stringStarts
                    (reply.Element "StringToSign")
                    "AWS4-HMAC-SHA256\n20260102T"
                    "StringToSign"

                Expect.stringStarts
                    (reply.Element "CanonicalRequest")
                    "PUT\n/evidence/k\nX-Amz-"
                    "CanonicalRequest"

                Expect.stringStarts (reply.Element "StringToSignBytes") "41 57 53 34 2d" "StringToSignBytes"

                Expect.stringStarts
                    (reply.Element "CanonicalRequestBytes")
                    "50 55 54 0a"
                    "CanonicalRequestBytes"
            })

        testCaseTask "the limits themselves are allowed" (fun () ->
            task {
                use! server = start ()

                for message in
                    [
                        signed (now.AddHours -1.) 3600. server
                        signed (now.AddMinutes 15.) 3600. server
                        signed now 604800. server
                        withHeaders "evidence" (String('é', 512)) [] server
                    ] do
                    let! reply = send message
                    Expect.equal reply.Status 200 reply.Text
            })

        testCaseTask "an upload over the size limit is refused" (fun () ->
            task {
                use! server = LoopbackS3Server.StartAsync(LoopbackS3Options(MaxObjectBytes = 4L))
                let! reply = put server "evidence" "k" (bytes "12345") []
                Expect.equal (reply.Status, reply.Code) (400, "EntityTooLarge") reply.Text

                Expect.equal
                    (reply.Element "ProposedSize", reply.Element "MaxSizeAllowed")
                    ("5", "4")
                    "sizes"

                let! atLimit = put server "evidence" "k" (bytes "1234") []
                Expect.equal atLimit.Status 200 "the limit itself"
            })

        testCaseTask "a refusal comes before any byte of a body that waits for 100 Continue" (fun () ->
            task {
                use! server = start ()
                use wire = new Wire(server)
                let url = server.Presign("PUT", "evidence", "k", signedAt = now.AddDays -1.)
                wire.Head("PUT", url, [ "Content-Length: 1000000"; "Expect: 100-continue" ])
                let text, ending = wire.Rest()
                Expect.stringStarts text "HTTP/1.1 403 " "refused at once"
                Expect.equal ending Fin "and closed"
                let seen = Seq.exactlyOne server.Requests
                Expect.isTrue seen.ExpectContinue "the log knows of Expect"
                Expect.equal seen.BodyBytes 0L "no byte read"
            })

        testCaseTask "an upload that says nothing of its length is refused" (fun () ->
            task {
                use! server = start ()
                use wire = new Wire(server)
                wire.Head("PUT", server.Presign("PUT", "evidence", "k"), [])
                Expect.stringStarts (wire.Receive()) "HTTP/1.1 411 " "a length is required"
                Expect.isEmpty server.Objects "nothing is stored"
            })
    ]
