/// Responses as stores, gateways, proxies and portals send them, and what follows from each.
module CellOS.Export.S3.Core.Tests.FieldTests

open System
open System.Collections.Generic
open System.Text
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.Coverage
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Driver
open CellOS.Export.S3.Core.Tests.Stories
open CellOS.Export.S3.Core.Tests.Responses

let private cut = ended BodyEnd.BrokenOff

let private html = "Content-Type", "text/html; charset=utf-8"
let private xml = "Content-Type", "application/xml"
let private json = "Content-Type", "application/json"

let private signIn =
    "<!DOCTYPE html>\n<html><head><title>Sign in</title><style>p {color: red}</style></head><body><p>Sign in &amp; continue</p><script>alert('x')</script></body></html>"

let private s3Error code message =
    $"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"

/// The class of a body: none, an S3 error, or another document and whether it is an error.
let private classOf (reply: Reply) =
    match reply.Error, reply.Body with
    | Some error, _ -> error.Code
    | None, Some body -> $"{body.Format} {body.Meaning}"
    | None, None -> "none"

[<Tests>]
let bodies =
    testList "Response bodies" [
        table
            "each is what it is, whatever its content type says"
            [
                [], "", "none"
                [ html ], "", "none"
                [ html ], " \r\n\t", "none"
                [ html ], signIn, "Html Error"
                [], signIn, "Html Error"
                [ "Content-Type", "text/plain" ], signIn, "Html Error"
                [], "\ufeff  <!-- c --><HTML>x</HTML>", "Html Error"
                [], "<h1>Blocked</h1>", "Html Error"
                [ xml ],
                "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><p>x</p></html>",
                "Html Error"
                [ "Content-Type", "application/xhtml+xml" ], "<x>1</x>", "Html Error"
                [ xml ], s3Error "InternalError" "oh", "InternalError"
                [ html ], s3Error "InternalError" "oh", "InternalError"
                [], "\ufeff" + s3Error "MissingRequiredHeader" "oh", "MissingRequiredHeader"
                [ xml ], "<Error><Message>no code</Message></Error>", "Xml Error"
                [ xml ], "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>", "Xml Error"
                [ xml ], "<s:Fault xmlns:s='urn:s'><faultcode>x</faultcode></s:Fault>", "Xml Error"
                [ xml ], "<d:error xmlns:d='DAV:'/>", "Xml Error"
                [ xml ], "<PutObjectResult/>", "Xml Result"
                [ xml ], "<soap:Envelope xmlns:soap='urn:s'><soap:Body/></soap:Envelope>", "Xml Unknown"
                [ xml ], "<!DOCTYPE Error><Error><Code>X</Code></Error>", "Xml Error"
                [ xml ], "\r\n  " + s3Error "SlowDown" "x", "SlowDown"
                [ xml ],
                "<?xml version='1.0' encoding='windows-1252'?><Error><Code>SlowDown</Code></Error>",
                "SlowDown"
                [ "Content-Encoding", "gzip" ], "x", "Binary Unknown"
                [ "Content-Encoding", "identity" ], "OK", "Text Harmless"
                [], "Warning: <br />denied", "Text Error"
                [], "<\000h\000t\000m\000l\000>\000", "Binary Unknown"
                [ json ], "{}", "Json Harmless"
                [ json ], "{\"status\":\"ok\"}", "Json Harmless"
                [ json ], "{\"error\":null,\"errors\":[],\"success\":true}", "Json Harmless"
                [ json ], "{\"error\":\"\"}", "Json Harmless"
                [ json ], "{\"error\":\"quota\"}", "Json Error"
                [], "{\"Error\":{\"code\":1}}", "Json Error"
                [ json ], "{\"success\":false}", "Json Error"
                [ json ], "{\"errors\":[{\"code\":1000}]}", "Json Error"
                [ json ], "{\"fault\":{\"faultstring\":\"x\"}}", "Json Error"
                [ json ], "{\"error\":", "Json Error"
                [ json ], "[1]", "Json Error"
                [ json ], "{\"ok\":false}", "Json Error"
                [ json ], "{\"status\":503,\"title\":\"x\"}", "Json Error"
                [ json ], "{\"status\":\"error\"}", "Json Error"
                [ json ], "{\"code\":\"InternalServerError\",\"message\":\"x\"}", "Json Error"
                [ json ], "{\"code\":0,\"message\":\"stored\"}", "Json Harmless"
                [], ")]}'\n{}", "Text Harmless"
                [], "OK", "Text Harmless"
                [ xml ], "plain words", "Xml Unknown"
                [ xml ],
                "<UploadResult><OriginalInfo><Key>k</Key></OriginalInfo></UploadResult>",
                "Xml Result"
                [ xml ], "<CopyObjectResult><ETag>x</ETag></CopyObjectResult>", "Xml Unknown"
                [ xml ], "<PostResponse><Key>logs/error.txt</Key></PostResponse>", "Xml Result"
                [ xml ],
                "<PutObjectResult><Status>403 Forbidden</Status><Message>Access Denied</Message></PutObjectResult>",
                "Xml Error"
                [ xml ],
                "<Response><Status>FAILED</Status><Message>virus found, object quarantined</Message></Response>",
                "Xml Error"
                [ xml ],
                "<d:multistatus xmlns:d='DAV:'><d:response><d:status>HTTP/1.1 403 Forbidden</d:status></d:response></d:multistatus>",
                "Xml Error"
                [], "Upload dropped, pending scan", "Text Error"
                [], "{\"redirect\":\"https://login.example/\"}", "Json Error"
                [ json; "x-oss-request-id", "R" ],
                "{\"redirect\":\"https://login.example/sign-in\"}",
                "Json Error"
                [ json; "x-oss-request-id", "R" ],
                "{\"action\":\"quarantine\",\"verdict\":\"malicious\",\"note\":\"upload was dropped\"}",
                "Json Error"
                [ json; "x-oss-request-id", "R" ],
                "{\"object\":\"logs/error.txt\",\"Status\":\"OK\"}",
                "Json Result"
                [ xml ], "<PutObjectResult>", "Xml Unknown"
                [ xml ], "<ErrorResult><Code>AccessDenied</Code></ErrorResult>", "Xml Error"
                [ xml ],
                "<PutObjectResult><Error><Code>AccessDenied</Code></Error></PutObjectResult>",
                "Xml Error"
                [ xml ], "<DeleteResult/>", "Xml Unknown"
                [ xml ], "<multistatus xmlns='DAV:'/>", "Xml Unknown"
                [ xml ], "<Response><Code>17</Code></Response>", "Xml Error"
                [ json; "x-oss-request-id", "R" ], "{\"Status\":\"OK\"}", "Json Result"
                [ json; "x-oss-request-id", "R" ], "{\"Status\":\"failed\"}", "Json Error"
                // Errors in other words.
                [ json ], "{\"message\":\"Forbidden\"}", "Json Error"
                [ json ], "{\"Message\":\"Access Denied\"}", "Json Error"
                [ json ], "{\"message\":\"Internal Server Error\"}", "Json Error"
                [ json ], "{\"detail\":\"Not authenticated\"}", "Json Error"
                [ json ], "{\"error_code\":110}", "Json Error"
                [ json ], "{\"errno\":13}", "Json Error"
                [ json ], "{\"result\":\"failed\"}", "Json Error"
                [ json ], "{\"success\":\"false\"}", "Json Error"
                [ json ], "{\"ok\":0}", "Json Error"
                [ json ], "{\"blocked\":true}", "Json Error"
                [ json ], "{\"code\":-1,\"msg\":\"denied\"}", "Json Error"
                [ json ], "{\"code\":17}", "Json Error"
                [ json ], "{\"data\":{\"error\":\"x\"}}", "Json Error"
                [ json ], "{\"items\":[{\"error\":\"x\"}]}", "Json Error"
                [ json ], "{\"__type\":\"ThrottlingException\"}", "Json Error"
                [ json ], "\"error\"", "Json Error"
                [ json ], "{\"a\":1}{\"error\":1}", "Json Error"
                [ json ],
                "{\"name\":\"logs/error.txt\",\"type\":\"file\",\"result\":\"saved\"}",
                "Json Harmless"
                [ json ], "{\"message\":\"stored without errors\",\"size\":500}", "Json Harmless"
                [], "Access denied by DLP policy 17", "Text Error"
                [], "error: no route", "Text Error"
                [], "500 Internal Server Error", "Text Error"
                [], "Request timed out", "Text Error"
                [], "You are not allowed to do this", "Text Error"
                [], "Please sign in", "Text Error"
                [], "Hello World!", "Text Harmless"
                [], "stored 512 bytes successfully, 0 errors", "Text Harmless"
                [], "\u001f\u008b\u0008\u0000x", "Binary Unknown"
                // Errors in plain words.
                for member' in
                    [
                        "\"isError\":true"
                        "\"is_error\":1"
                        "\"hasErrors\":true"
                        "\"errorCount\":1"
                        "\"failedFiles\":[\"a.txt\"]"
                        "\"uploaded\":false"
                        "\"accepted\":false"
                        "\"Saved\":false"
                        "\"isSuccess\":false"
                        "\"wasStored\":\"no\""
                        "\"bytesReceived\":0"
                        "\"size\":0"
                        "\"stored_bytes\":\"0\""
                        "\"note\":\"Nothing was stored\""
                        "\"redirect\":\"https://login.example/\""
                    ] do
                    [ json ], "{" + member' + "}", "Json Error"
                    [ json ], "{\"data\":{" + member' + "}}", "Json Error"
                for member' in
                    [
                        "\"isError\":false"
                        "\"errorCount\":0"
                        "\"failedFiles\":[]"
                        "\"uploaded\":true"
                        "\"bytesReceived\":512"
                        "\"noErrors\":true"
                        "\"failover\":true"
                    ] do
                    [ json ], "{" + member' + "}", "Json Harmless"
                for text in
                    [
                        "Please authenticate to continue"
                        "Access to this resource is restricted"
                        "quota reached"
                        "Nothing was stored"
                        "ok=false"
                        "stored: no"
                        "The upload was not kept"
                        "dry run"
                    ] do
                    [], text, "Text Error"
                for text in [ "Stored 512 bytes"; "ok=true"; "Thank you" ] do
                    [], text, "Text Harmless"
                for element in
                    [
                        "<Stored>false</Stored>"
                        "<Status>Queued</Status>"
                        "<Success>false</Success>"
                        "<Result><Code>NoSuchBucket</Code></Result>"
                        "<IsError>true</IsError>"
                    ] do
                    [ xml ], $"<PutObjectResult>{element}</PutObjectResult>", "Xml Error"
                for element in
                    [
                        "<Stored>true</Stored>"
                        "<Status>OK</Status>"
                        "<LastModified>2026-03-01T12:00:00Z</LastModified>"
                        "<BucketKeyEnabled>false</BucketKeyEnabled>"
                    ] do
                    [ xml ], $"<PutObjectResult>{element}</PutObjectResult>", "Xml Result"
            ]
            (fun (headers, body, _) -> classOf (response 200 headers body))
            (fun (_, _, expected) -> expected)

        table
            "a body that broke off says nothing, unless what was read is a page or an error"
            [
                [], "", "none"
                [ xml ], "", "none"
                [ xml ], " \r\n", "none"
                [ html ], "", "Html Error"
                [ html ], "<!DOCTYPE html><ht", "Html Error"
                [ xml ], "<Error><Code>SlowDown</Code><Mess", "SlowDown"
                [ xml ], "<Error><Co", "Xml Error"
                [ xml ], "<PutObjectResult", "Xml Unknown"
                [ xml ], "<PutObjectResult/>", "Xml Unknown"
                [ json ], "{\"stat", "Json Unknown"
                [ json ], "{\"error\":\"x\"}", "Json Error"
                [ xml ], "<PostResponse><Key>logs/error.t", "Xml Unknown"
                [], "stor", "Text Unknown"
                [], "Access denied by po", "Text Error"
            ]
            (fun (headers, body, _) -> classOf (cut headers body))
            (fun (_, _, expected) -> expected)

        testCase "a page is reported by its visible text" (fun () ->
            let body = Expect.wantSome (response 403 [ html ] signIn).Body "a body"
            Expect.equal body.VisibleText "Sign in Sign in & continue" "no markup, no script, no style")

        testCase "the received part of a body that is not closed is reported" (fun () ->
            for text, visible in
                [
                    "<html>a<script>b", "a"
                    "<html>a<!-- b", "a"
                    "<html>a<b", "a"
                    "<html>a</script>b", "a b"
                ] do
                let body = Expect.wantSome (response 403 [ html ] text).Body text
                Expect.equal body.VisibleText visible text)

        propertyTimes 300 "reading is total, on one line and bounded" anyText (fun text ->
            for start in [ ""; "<html>"; "<Error>"; "{\"error\":\""; "<!--"; "<script>" ] do
                for contentType in [ []; [ html ]; [ json ]; [ xml ] ] do
                    match (response 200 contentType (start + text)).Body with
                    | Some body ->
                        Expect.isTrue (body.VisibleText.Length <= 2050) "bounded"
                        Expect.isFalse (body.VisibleText |> Seq.exists Char.IsControl) "one line"
                    | None -> ())

        table
            "the headers that are marks of a store, and those that are not"
            [
                "ETag", true
                "etag", true
                "x-amz-version-id", true
                "x-amz-request-id", true
                "x-amz-id-2", true
                "x-amz-checksum-crc64nvme", true
                "X-Amz-Checksum-SHA256", true
                "x-goog-hash", true
                "x-goog-generation", true
                "x-guploader-uploadid", true
                "x-ms-request-id", true
                "Content-MD5", false
                "x-oss-request-id", true
                "x-oss-hash-crc64ecma", true
                "x-cos-request-id", true
                "x-cos-hash-crc64ecma", true
                "x-obs-request-id", true
                "opc-request-id", true
                "opc-content-md5", true
                "x-trans-id", true
                "cf-ray", false
                "x-cache", false
                "x-amz-cf-id", false
                "x-amzn-requestid", false
                "Server", false
                "Via", false
                "Date", false
                "Content-Type", false
                "Set-Cookie", false
                "x-request-id", false
                "x-correlation-id", false
                "x-amz-checksum-type", false
                "x-amz-bucket-region", false
                "Location", false
            ]
            (fun (name, _) ->
                let value =
                    match name.ToLowerInvariant() with
                    | "x-amz-checksum-crc64nvme" -> "AQEBAQEBAQE="
                    | "x-amz-checksum-sha256" -> Convert.ToBase64String(Array.zeroCreate 32)
                    | "x-goog-hash" -> "crc32c=yZRlqg=="
                    | "content-md5"
                    | "opc-content-md5" -> "XrY7u+Ae7tCTyyK7j1rNww=="
                    | _ -> "17"

                (response 200 [ name, value ] "").IsMarked)
            snd

        testCase "a weak ETag, and one of an empty response, is not a mark" (fun () ->
            for tag, isMark in
                [
                    "\"0x8D4BCC2E4835CD0\"", true
                    "\"5eb63bbbe01eeed093cb22bb8f5acdc3\"", true
                    "\"5f3c1a2b-264\"", true
                    "W/\"0-2jmj7l5rSw0yVb/vlWAYkK/YBwk\"", false
                    "W/\"5f3c1a2b-264\"", false
                    "\"0-2jmj7l5rSw0yVb/vlWAYkK/YBwk\"", false
                    "\"5f3c1a2b-0\"", false
                    "\"d41d8cd98f00b204e9800998ecf8427e\"", false
                    "\"D41D8CD98F00B204E9800998ECF8427E-gzip\"", false
                    "\"da39a3ee5e6b4b0d3255bfef95601890afd80709\"", false
                    "\"2jmj7l5rSw0yVb/vlWAYkK/YBwk=\"", false
                    "\"2jmj7l5rSw0yVb/vlWAYkK/YBwk\"", false
                ] do
                let reply = response 200 [ "ETag", tag ] ""
                Expect.equal reply.IsMarked isMark tag
                Expect.equal reply.ETag (Some tag) "it is reported all the same")

        table
            "a header with the name of a checksum and an unreadable value is not a mark"
            [
                "x-amz-checksum-crc32", "0d4a1185x"
                "x-amz-checksum-sha256", "abc"
                "x-amz-checksum-xxhash64", "AAAAAAAAAAA="
                "x-goog-hash", "sha256=AAAA,crc32c=AAA"
                "x-cos-hash-crc64ecma", "-1"
                "opc-content-md5", "abc"
            ]
            (fun header ->
                let reply = response 200 [ header ] ""
                reply.IsMarked, reply.Checksums)
            (fun _ -> false, [])

        testCase "a version, a request id and an ETag that have several values have none" (fun () ->
            let reply =
                response
                    200
                    [
                        "x-amz-request-id", "R1"
                        "x-amz-request-id", "R2"
                        "x-amz-id-2", "I1"
                        "x-amz-id-2", "I2"
                        "x-amz-version-id", "v1"
                        "x-amz-version-id", "v2"
                        "ETag", "\"aa\""
                        "ETag", "\"bb\""
                    ]
                    ""

            Expect.equal (reply.RequestId, reply.HostId, reply.VersionId) (None, None, None) "none of them"
            Expect.isFalse reply.IsMarked "no mark"

            Expect.equal
                (response 200 [ "x-amz-request-id", "R1"; "X-Amz-Request-Id", "R1" ] "").RequestId
                (Some "R1")
                "the same twice is one")

        table
            "what says that a response is not one to this upload, and what does not"
            [
                ("Age", "3600"), Some "age"
                ("Age", "0"), None
                ("X-Cache", "HIT"), Some "x-cache"
                ("X-Cache", "TCP_MEM_HIT from edge"), Some "x-cache"
                ("X-Cache", "MISS"), None
                ("Content-Range", "bytes 0-3/4"), Some "content-range"
                ("Refresh", "0; url=https://login.example/"), Some "refresh"
                ("WWW-Authenticate", "Basic"), Some "www-authenticate"
                ("x-amz-delete-marker", "true"), Some "x-amz-delete-marker"
                ("x-amz-delete-marker", "false"), None
                ("x-amz-error-code", "AccessDenied"), Some "x-amz-error-code"
                ("x-amz-error-message", "denied"), Some "x-amz-error-message"
                ("X-MS-Error-Code", "AuthenticationFailed"), Some "x-ms-error-code"
                ("x-oss-error-code", "x"), Some "x-oss-error-code"
                ("x-goog-error", "x"), Some "x-goog-error"
                ("x-goog-stored-content-length", "0"), Some "x-goog-stored-content-length"
                ("x-goog-stored-content-length", string sent.Bytes), None
                ("x-amz-object-size", "0"), Some "x-amz-object-size"
                ("x-amz-object-size", string sent.Bytes), None
                ("Via", "1.1 squid"), None
                ("CF-Cache-Status", "HIT"), Some "cf-cache-status"
                ("CF-Cache-Status", "DYNAMIC"), None
                ("X-Cache-Status", "STALE"), Some "x-cache-status"
                ("X-Proxy-Cache", "HIT"), Some "x-proxy-cache"
                ("Cache-Status", "ExampleCache; hit; ttl=376"), Some "cache-status"
                ("Cache-Status", "Origin; fwd=miss, \"CDN\"; hit"), Some "cache-status"
                ("Cache-Status", "ExampleCache; fwd=uri-miss; stored"), None
                ("Cache-Status", "ExampleCache; hit=?0"), None
                ("Proxy-Status", "gw.example; error=connection_timeout"), Some "proxy-status"
                ("Proxy-Status", "gw.example; received-status=200"), None
                ("X-Squid-Error", "ERR_ACCESS_DENIED 0"), Some "x-squid-error"
                ("Warning", "110 squid \"Response is stale\""), Some "warning"
                ("Warning", "299 - \"Deprecated\""), None
            ]
            (fun (header, _) -> (response 200 [ header; "x-amz-request-id", "R1" ] "").Contradiction)
            snd

        testCase "a result document with another length is not one to this upload" (fun () ->
            let contradiction size =
                (response 200 [] $"<PostResponse><Size>{size}</Size></PostResponse>").Contradiction

            Expect.equal (contradiction "0") (Some "Size") "nothing"
            Expect.isNone (contradiction (string sent.Bytes)) "the file's")

        testCase "the digests in a store's result document are compared as those in headers" (fun () ->
            let reply =
                response
                    200
                    [ "x-amz-request-id", "R1"; "ETag", "\"x\"" ]
                    "<PutObjectResult><ETag>\"00000000000000000000000000000000\"</ETag><ChecksumCRC32>AAAAAA==</ChecksumCRC32></PutObjectResult>"

            Expect.equal
                (ReportedDigest.ofETag reply |> List.map _.Digest.Hex)
                [ String('0', 32) ]
                "the ETag in the document"

            Expect.equal
                (ReportedDigest.ofChecksums reply |> List.map _.Header)
                [ "x-amz-checksum-crc32" ]
                "the checksum in the document"

            let same =
                response 200 [ "ETag", "\"x\"" ] "<PostResponse><ETag>&quot;x&quot;</ETag></PostResponse>"

            Expect.equal same.ETag (Some "\"x\"") "the same ETag is one")

        testCase "an empty header, and one that is too long, is not a mark" (fun () ->
            Expect.isFalse (response 200 [ "ETag", "" ] "").IsMarked "empty"
            Expect.isTrue (response 200 [ "ETag", String('a', 1024) ] "").IsMarked "1,024 characters"
            Expect.isFalse (response 200 [ "ETag", String('a', 1025) ] "").IsMarked "1,025")

        testCase "of several request ids, Amazon's counts first" (fun () ->
            let reply =
                response
                    200
                    [ "cf-ray", "c"; "x-trans-id", "t"; "x-amz-request-id", "a"; "x-amz-id-2", "2" ]
                    ""

            Expect.equal (reply.RequestId, reply.HostId) (Some "a", Some "2") "both"
            Expect.isTrue reply.IsMarked "a store's")

        testCase "a network's request id is reported, and is not a mark" (fun () ->
            let reply = response 200 [ "CF-Ray", "8b1f-FRA" ] ""
            Expect.equal reply.RequestId (Some "8b1f-FRA") "for its support"
            Expect.isFalse reply.IsMarked "not a mark")
    ]

let private presigned = Circumstances.defaults
let private gateway = { presigned with IsPresigned = false }
let private accepting = { presigned with AcceptUnmarked = true }
let private tag = "ETag", "\"1f-4\""
let private requestId = "x-amz-request-id", "R1"
let private sha256 = "x-amz-checksum-sha256", sent.Sha256.Base64

let private giving = {
    presigned with
        Given = [ sent.Sha256 ]
}

let private comparing = {
    presigned with
        Object = Some("b", "c/a")
}

let private inRegion = {
    presigned with
        Region = Some "us-west-2"
}

/// The word for a verdict.
let private verdict (given: Circumstances) (reply: Reply) =
    match Verdict.ofOutcome given (Outcome.Replied reply) with
    | Verdict.Accepted _ -> "accepted"
    | Verdict.AcceptedIfConfirmed(_, _, Verdict.Retry kind) -> $"accepted if confirmed, or retry, then {kind}"
    | Verdict.AcceptedIfConfirmed(_, _, Verdict.Stop kind) -> $"accepted if confirmed, or {kind}"
    | Verdict.AcceptedIfConfirmed _ -> "accepted if confirmed"
    | Verdict.Retry kind -> $"retry, then {kind}"
    | Verdict.RetryOnce -> "once more"
    | Verdict.FreshUrl -> "expired"
    | Verdict.WithoutExpect -> "without Expect"
    | Verdict.Stop kind -> string kind

[<Tests>]
let successes =
    testList "Successes in the field" [
        table
            "a success counts only if it can come from a store"
            [
                for status in 200..299 do
                    presigned, response status [] "", "Unconfirmed"
                    accepting, response status [] "", "accepted"
                    gateway, response status [] "", "accepted"

                    presigned,
                    response status [ tag ] "",
                    (if List.contains status [ 200; 201; 204 ] then "accepted" else "Unconfirmed")
                // A body that is not whole is never a plain success.
                for given in [ presigned; accepting; gateway ] do
                    for body in [ ""; " "; "OK"; "{\"sta"; "<PutObjectResult/>"; "\u001f\u008b" ] do
                        given, ended BodyEnd.BrokenOff [ requestId ] body, "retry, then Unreachable"
                        given, ended BodyEnd.Late [ requestId ] body, "retry, then TimedOut"
                        given, ended BodyEnd.TooLong [ requestId ] body, "NotAStore"

                        let ifConfirmed otherwise =
                            if not given.IsPresigned || body.Trim() = "" then
                                $"accepted if confirmed, or {otherwise}"
                            else
                                otherwise

                        given, ended BodyEnd.BrokenOff [ tag ] body, ifConfirmed "retry, then Unreachable"

                        given, ended BodyEnd.Late [ tag ] body, ifConfirmed "retry, then TimedOut"

                        given,
                        ended BodyEnd.TooLong [ tag ] body,
                        (if given.IsPresigned then "NotAStore" else "accepted if confirmed, or NotAStore")

                    given,
                    ended BodyEnd.BrokenOff [ tag ] "<Error><Code>SlowDown</Code>",
                    "retry, then NotAStore"

                    given, ended BodyEnd.BrokenOff [ tag ] "<Error><Co", "NotAStore"
                    given, ended BodyEnd.Late [ html; tag ] "", "NotAStore"
                    given, ended BodyEnd.TooLong [ tag ] signIn, "NotAStore"

                    given,
                    response 200 [ tag ] "\u001f\u008b\u0008",
                    (if given.IsPresigned then "NotAStore" else "accepted if confirmed, or NotAStore")

                    given, response 200 [ tag; requestId; "Age", "60" ] "", "Unconfirmed"
                    given, response 200 [ "Content-Encoding", "gzip"; requestId ] "x", "NotAStore"
                    given, response 200 [ requestId ] "<multistatus xmlns='DAV:'/>", "NotAStore"

                    for body in
                        [
                            "{\"message\":\"Forbidden\"}"
                            "<ErrorResult/>"
                            "Access denied by policy"
                            "error: no"
                        ] do
                        given, response 200 [ tag; requestId; "cf-ray", "8b1f" ] body, "NotAStore"
                // Blanks keep a connection alive.
                presigned, response 200 [ tag ] (String(' ', 60000)), "accepted"
                presigned, response 200 [ requestId ] "<PutObjectResult/>", "accepted"
                presigned, response 200 [ "cf-ray", "8b1f" ] "", "Unconfirmed"
                // A gateway's own words.
                presigned, response 200 [ requestId ] "Hello World!", "Unconfirmed"
                presigned, response 200 [ tag ] "OK", "Unconfirmed"
                accepting, response 200 [ requestId ] "OK", "accepted"
                gateway, response 200 [] "OK", "accepted"
                presigned, response 200 [ html; tag ] "", "accepted"
                for given in [ presigned; accepting; gateway ] do
                    for headers in [ [ html ]; [ html; tag ]; []; [ tag ] ] do
                        given, response 200 headers signIn, "NotAStore"

                    for headers in [ [ xml ]; [ xml; tag ] ] do
                        given, response 200 headers (s3Error "InternalError" "x"), "retry, then NotAStore"
                        given, response 200 headers (s3Error "SlowDown" "x"), "retry, then NotAStore"
                        given, response 200 headers (s3Error "AccessDenied" "x"), "NotAStore"
                        given, response 200 headers (s3Error "BadDigest" "x"), "once more"
                        given, response 200 headers (s3Error "ExpiredToken" "x"), "expired"
                        given, response 200 headers "<Error><Message>x</Message></Error>", "NotAStore"

                    given, response 200 [ json; tag ] "{\"error\":\"x\"}", "NotAStore"
                presigned, response 200 [ json; tag ] "{\"status\":\"ok\"}", "Unconfirmed"
                presigned, response 200 [ json ] "{\"status\":\"ok\"}", "Unconfirmed"
                gateway, response 200 [ json ] "{\"status\":\"ok\"}", "accepted"
                // What a gateway may return of the request, or of its own body, is not a mark.
                presigned,
                response 200 [ "Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg==" ] "",
                "accepted if confirmed, or Unconfirmed"
                presigned,
                response 200 [ "x-amz-checksum-crc32", "AAAAAA==" ] "",
                "accepted if confirmed, or Unconfirmed"
                giving, response 200 [ sha256 ] "", "accepted if confirmed, or Unconfirmed"
                giving, response 200 [ sha256; requestId ] "", "accepted"
                presigned, response 200 [ sha256 ] "", "accepted"
                // A result document names the object.
                comparing,
                response 200 [ requestId ] "<PostResponse><Key>c/a</Key></PostResponse>",
                "accepted"
                comparing,
                response 200 [ requestId ] "<PostResponse><Key>c%2Fa</Key></PostResponse>",
                "accepted"
                comparing,
                response 200 [ requestId ] "<PostResponse><Bucket>t:b</Bucket><Key>/c/a</Key></PostResponse>",
                "accepted"
                comparing,
                response 200 [ tag; requestId ] "<PostResponse><Key>c/b</Key></PostResponse>",
                "Unconfirmed"
                comparing,
                response 200 [ tag; requestId ] "<PostResponse><Bucket>other</Bucket></PostResponse>",
                "Unconfirmed"
                comparing,
                response
                    200
                    [ requestId ]
                    "<UploadResult><OriginalInfo><Key>c/a</Key></OriginalInfo><ProcessResults><Object><Key>c/a.png</Key></Object></ProcessResults></UploadResult>",
                "accepted"
                // A location names the object.
                for told, expected in
                    [
                        "http://store.example/b/c/a", "accepted"
                        "http://b.store.example/c/a", "accepted"
                        "b.store.example/c/a", "accepted"
                        "/b/c/a", "accepted"
                        "/c/a", "accepted"
                        "c%2Fa", "accepted"
                        "a", "accepted"
                        "http://store.example/other/c/a", "Unconfirmed"
                        "http://store.example/b/c/b", "Unconfirmed"
                        "/other/c/a", "Unconfirmed"
                        "/b/c/xa", "Unconfirmed"
                    ] do
                    comparing,
                    response 200 [ requestId ] $"<PostResponse><Location>{told}</Location></PostResponse>",
                    expected

                    comparing, response 201 [ requestId; "Location", told ] "", expected
                    presigned, response 201 [ requestId; "Location", told ] "", "accepted"

                    { comparing with IsPresigned = false },
                    response 201 [ requestId; "Location", told ] "",
                    "accepted"
                // The bucket is where the receipt says.
                inRegion, response 200 [ requestId; "x-amz-bucket-region", "eu-west-1" ] "", "Unconfirmed"
                inRegion, response 200 [ requestId; "x-amz-bucket-region", "US-WEST-2" ] "", "accepted"
                inRegion, response 200 [ requestId ] "", "accepted"
                presigned, response 200 [ requestId; "x-amz-bucket-region", "eu-west-1" ] "", "accepted"
                // An ETag that any web server sends is not a mark.
                presigned,
                response 200 [ "ETag", "W/\"0-2jmj7l5rSw0yVb/vlWAYkK/YBwk\"" ] "",
                "accepted if confirmed, or Unconfirmed"
                presigned, response 200 [ "ETag", "W/\"0-x\""; requestId ] "", "accepted"
                {
                    presigned with
                        Given = [ Digest.ofEmptyContent DigestAlgorithm.Md5 ]
                },
                response 200 [ "ETag", "\"d41d8cd98f00b204e9800998ecf8427e\"" ] "",
                "accepted if confirmed, or Unconfirmed"
                // Quotes alone are not an ETag.
                presigned, response 200 [ "ETag", "\"\"" ] "", "Unconfirmed"
                presigned, response 200 [ "ETag", "W/\"\"" ] "", "Unconfirmed"
                // An answer before the whole body says nothing, unless it is a page.
                presigned,
                {
                    response 200 [ tag ] "" with
                        Sent = None
                },
                "retry, then Unreachable"
                presigned,
                {
                    response 200 [] signIn with
                        Sent = None
                },
                "NotAStore"
            ]
            (fun (given, reply, _) -> verdict given reply)
            (fun (_, _, expected) -> expected)

        propertyTimes
            2000
            "a success is accepted only from a store, or where an unmarked one is accepted"
            (Gen.zip3
                (Field.response Outcomes.md5)
                (Gen.elements [ true; false ])
                (Gen.elements [ true; false; false ]))
            (fun (field, isPresigned, accepts) ->
                let given = {
                    presigned with
                        IsPresigned = isPresigned
                        AcceptUnmarked = accepts
                }

                let isReadable =
                    field.End = BodyEnd.Whole
                    && field.Kind <> FieldBody.Page
                    && field.Kind <> FieldBody.Error
                    && field.Kind <> FieldBody.Unknown

                let isStores =
                    field.IsMarked
                    && List.contains field.Status [ 200; 201; 204 ]
                    && (field.Kind = FieldBody.Empty || field.Kind = FieldBody.Result)

                let isAccepted =
                    field.Status / 100 = 2
                    && isReadable
                    && not field.IsOfOther
                    && (isStores || accepts || not isPresigned)

                Expect.equal
                    (verdict given (field.ToReply(Some sent)) = "accepted")
                    isAccepted
                    (string field))

        story
            "a digest in the response confirms a success whose body broke off, and is taken for that"
            (given same)
            [
                started
                attempted 1 {
                    stored with
                        Sent = Some(sentWith [])
                        BodyEnd = BodyEnd.BrokenOff
                }
                Input.DigestsTaken(at 2, digestsOf [ DigestAlgorithm.Sha256; DigestAlgorithm.Md5 ])
            ] [ "put 1"; "sha256+md5"; "done etag-md5" ] []

        story
            "a success whose body broke off is retried, and ends as a broken connection"
            (given (retrying 2 0 0))
            [
                started
                attempted 1 (ended BodyEnd.BrokenOff [ requestId ] "")
                attempted 2 (ended BodyEnd.BrokenOff [ tag ] "")
            ] [ "put 1"; "put 2"; "Unreachable" ] [
                "broke off, so the response does not show that the object is stored"
                "The object may be stored; a new export replaces it"
            ]

        story
            "a success whose body is late is retried, and ends as a timeout"
            (given (retrying 2 0 0))
            [
                started
                attempted 1 (ended BodyEnd.Late [ requestId ] "")
                attempted 2 (ended BodyEnd.Late [ requestId ] "")
            ] [ "put 1"; "put 2"; "TimedOut" ] [
                "did not arrive in time, so the response does not show that the object is stored"
            ]

        story
            "a digest of other content is damage, whatever the body"
            (given (retrying 1 0 0))
            [
                started
                attempted 1 (ended BodyEnd.BrokenOff [ "ETag", String('0', 32) ] "")
            ] [ "put 1"; "IntegrityMismatch" ] []

        story
            "no digest confirms where none is compared"
            (given (retrying 1 0 0 >> integrity IntegrityMode.Off))
            [
                started
                attempted 1 {
                    stored with
                        BodyEnd = BodyEnd.BrokenOff
                }
            ] [ "put 1"; "Unreachable" ] []

        story
            "an accepted Content-MD5 does not confirm a success with the words of a program"
            (given (retrying 1 0 0 >> contentMd5))
            [
                started
                Input.DigestsTaken(at 0, digestsOf [ DigestAlgorithm.Md5 ])
                attempted 1 (response 200 [ tag; requestId ] "Hello World!")
            ] [ "md5"; "put 1"; "Unconfirmed" ] [ "has a body that stores do not send" ]

        testCase "a wait after a success whose body broke off names that" (fun () ->
            let turn =
                feed (given (retrying 3 1500 1500)) [
                    started
                    attempted 1 (ended BodyEnd.BrokenOff [ requestId ] "")
                ]
                |> List.last

            Expect.equal
                (Expect.wantSome (Push.retryWait turn.State) "the push waits").Reason
                "HTTP 200 with an incomplete body"
                "the reason")
    ]

[<Tests>]
let expiries =
    let past = { presigned with IsPastExpiry = true }

    let detail text =
        $"<Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate the request.</Message><AuthenticationErrorDetail>{text}</AuthenticationErrorDetail></Error>"

    let frame start expiry now =
        detail
            $"Signature not valid in the specified time frame: Start [Sun, 01 Mar 2026 {start} GMT] - Expiry [Sun, 01 Mar 2026 {expiry} GMT] - Current [Sun, 01 Mar 2026 {now} GMT]"

    testList "Expiry in every wording" [
        table
            "what says that the URL has expired, and what does not"
            [
                presigned, 403, s3Error "AccessDenied" "Request has expired", "expired"
                presigned, 400, s3Error "ExpiredToken" "The provided token has expired.", "expired"
                presigned, 403, s3Error "RequestExpired" "Request has expired", "expired"
                presigned, 403, frame "10:00:00" "11:00:00" "12:00:00", "expired"
                presigned, 403, frame "13:00:00" "14:00:00" "12:00:00", "Refused"
                presigned, 403, detail "Signature did not match", "Refused"
                presigned, 401, "Temp URL has EXPIRED", "expired"
                presigned, 401, "Temp URL invalid", "Refused"
                presigned,
                404,
                "{\"code\":\"NotAuthenticatedOrNotFound\",\"message\":\"The PAR does not exist or has expired\"}",
                "expired"
                presigned, 404, "{\"code\":\"BucketNotFound\",\"message\":\"no such bucket\"}", "Refused"
                presigned, 403, "<html><body>This link expires after one hour</body></html>", "expired"
                presigned, 400, "<Error><Code>AuthenticationExpiration</Code></Error>", "expired"
                presigned,
                400,
                "<Error><Code>MalformedSecurityHeader</Code><Details>Request signature expired at: 2026-03-01T11:00:00</Details></Error>",
                "expired"
                // The names of parameters say nothing about an expiry.
                presigned,
                400,
                s3Error
                    "AuthorizationQueryParametersError"
                    "X-Amz-Expires must be less than a week (in seconds)",
                "Refused"
                presigned,
                403,
                s3Error
                    "AccessDenied"
                    "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
                "Refused"
                // What else expires is not the URL.
                presigned, 403, s3Error "AccessDenied" "The license of this cluster has expired", "Refused"
                presigned, 403, s3Error "AccessDenied" "Your licence expired on 1 May", "Refused"
                presigned, 403, s3Error "LicenseExpired" "Renew it.", "Refused"
                presigned, 403, s3Error "AccessDenied" "Access denied: expired trial license", "Refused"
                presigned,
                403,
                s3Error "AccessDenied" "The TLS certificate of the backend has expired",
                "Refused"
                presigned, 401, "Password expired. Change it to continue the request.", "Refused"
                presigned, 403, s3Error "AccountProblem" "The account has expired", "Refused"
                presigned,
                404,
                s3Error "NoSuchBucket" "bucket deleted after expiration of its lease",
                "Refused"
                presigned,
                403,
                s3Error "AccessDenied" "Object lock: the retention period has not expired",
                "Refused"
                presigned, 400, s3Error "InvalidArgument" "header x-amz-expiration unknown", "Refused"
                presigned, 401, "Your session will expire in 5 minutes", "Refused"
                presigned, 403, "{\"message\":\"The license has expired\",\"requestId\":\"x\"}", "Refused"
                presigned, 403, s3Error "AccessDenied" "The account's token has expired", "expired"
                presigned,
                403,
                s3Error "AccessDenied" "Invalid according to Policy: Policy expired.",
                "expired"
                presigned, 403, s3Error "AccessDenied" "expired", "expired"
                presigned, 403, s3Error "AccessDenied" "Please note: it has expired", "expired"
                presigned, 403, s3Error "ExpiredTokenException" "x", "expired"
                presigned, 403, s3Error "InvalidSignature" "signature expired", "expired"
                presigned,
                400,
                s3Error "InvalidToken" "The security token included in the request is expired",
                "expired"
                // A mask would hide the word.
                presigned, 403, s3Error "AccessDenied" "token: expired", "expired"
                presigned, 403, s3Error "AccessDenied" "X-Amz-Security-Token=expired", "expired"
                presigned, 401, "{\"token\":\"expired\"}", "expired"
                // A server's fault is one, whatever it says.
                presigned, 503, s3Error "SlowDown" "Request has expired", "retry, then Unavailable"
                presigned, 409, "expired", "Refused"
                // Ceph says nothing; the URL's own end is known.
                presigned, 403, s3Error "AccessDenied" "", "Refused"
                past, 403, s3Error "AccessDenied" "", "expired"
                past, 401, "", "expired"
                past, 400, s3Error "InvalidRequest" "x", "expired"
                past, 400, s3Error "RequestTimeTooSkewed" "x", "expired"
                past, 400, s3Error "InvalidToken" "x", "expired"
                past, 400, s3Error "SignatureDoesNotMatch" "x", "expired"
                past, 403, s3Error "SignatureDoesNotMatch" "x", "expired"
                past, 403, s3Error "QuotaExceeded" "x", "Refused"
                past, 400, s3Error "EntityTooLarge" "x", "Refused"
                past, 503, s3Error "AccessDenied" "x", "Refused"
                past, 404, "", "Refused"
                past, 412, "", "Refused"
                past, 400, s3Error "BadDigest" "x", "once more"
                past, 400, s3Error "RequestTimeout" "x", "retry, then TimedOut"
                past, 500, "", "retry, then Unavailable"
            ]
            (fun (given, status, body, _) -> verdict given (response status [] body))
            (fun (_, _, _, expected) -> expected)

        testCase "a source of URLs is asked again after each wording" (fun () ->
            for status, body in
                [
                    403, s3Error "AccessDenied" "Request has expired"
                    400, s3Error "ExpiredToken" "The provided token has expired."
                    403, s3Error "RequestExpired" "Request has expired"
                    403, frame "10:00:00" "11:00:00" "12:00:00"
                    401, "Temp URL has expired"
                    404,
                    "{\"code\":\"NotAuthenticatedOrNotFound\",\"message\":\"The PAR does not exist or has expired\"}"
                    403, "<html><body>This link has expired</body></html>"
                    400,
                    "<Error><Code>MalformedSecurityHeader</Code><Details>Request signature expired at: 2026-03-01T11:00:00</Details></Error>"
                    403, s3Error "AccessDenied" "Invalid according to Policy: Policy expired."
                ] do
                let expired = attempted 1 (response status [] body)

                let given seconds =
                    Input.UrlGiven(at 0, parsed (v4 seconds))

                let first = [ started; given 3600; expired ]

                // Another URL is used, and the same one is not.
                let fresh = feed (asked same) (first @ [ given 7200; attempted 2 stored ])
                Expect.equal (receipt fresh).Attempts 2 body
                let again = feed (asked same) (first @ [ given 3600 ])
                Expect.equal (failure again).Kind FailureKind.UrlExpired body
                Expect.hasLength (puts again) 1 body

                // Where there is no source, the push ends.
                Expect.equal (failure (feed once [ started; expired ])).Kind FailureKind.UrlExpired body)

        testCase "silence after the URL's own end asks for another URL too" (fun () ->
            let turns =
                feed (asked same) [
                    started
                    Input.UrlGiven(at 0, parsed (v4 3600))
                    attempted 3_600_001 (error 403 "AccessDenied" "")
                    Input.UrlGiven(at 3_600_002, parsed (v4 7200))
                    attempted 3_600_003 stored
                ]

            Expect.equal (receipt turns).Attempts 2 "the second URL")

        testCase "a mask does not hide an expiry, and the message is masked" (fun () ->
            let reply = response 403 [] (s3Error "AccessDenied" "token=expired1")
            let failure = failure (feed once [ started; attempted 1 reply ])
            Expect.equal failure.Kind FailureKind.UrlExpired "the kind"

            Expect.stringContains
                failure.Message
                "the server reports that the presigned URL or its token has expired"
                "the cause"

            Expect.isFalse (failure.Message.Contains "expired1") failure.Message)

        story
            "a response after the URL's own end is an expiry"
            (given same)
            [ started; attempted 3_600_001 (error 403 "AccessDenied" "") ] [ "put 1"; "UrlExpired" ] [
                "expired at 2026-03-01 13:00:00Z"
            ]
    ]

[<Tests>]
let expect =
    let large (target: Target) = {
        target with
            ExpectContinueFrom = Some 1L
    }

    testList "417 to Expect" [
        story
            "the same attempt is sent again without Expect"
            (given (large >> retrying 1 0 0))
            [ started; attempted 1 (Reply.Of 417); attempted 2 stored ] [ "put 1"; "put 1"; "done etag-md5" ] []

        testCase "the sink sends none to that host any more, and the receipt has one attempt" (fun () ->
            let plan = given large
            let turns = feed plan [ started; attempted 1 (Reply.Of 417); attempted 2 stored ]
            Expect.equal (receipt turns).Attempts 1 "one attempt"

            let struct (_, output) =
                Push.step (Push.createKnowing (Push.hosts (List.last turns).State) plan) started

            match output with
            | Output.Put put -> Expect.isFalse put.ExpectContinue "no Expect"
            | output -> failtestf "%A" output

            let struct (_, output) = Push.step (Push.create plan) started
            Expect.isTrue (output.IsPut) "another sink"

            match output with
            | Output.Put put -> Expect.isTrue put.ExpectContinue "asks once"
            | _ -> ())

        story
            "a second 417 is a refusal"
            (given large)
            [ started; attempted 1 (Reply.Of 417); attempted 2 (Reply.Of 417) ] [
                "put 1"
                "put 1"
                "Refused"
            ] []

        story
            "a 417 to a request without Expect is a refusal"
            (given same)
            [ started; attempted 1 (Reply.Of 417) ] [ "put 1"; "Refused" ] []
    ]

[<Tests>]
let messages =
    let says plan reply parts =
        let message = (failure (feed plan [ started; attempted 1 reply ])).Message

        for part in parts do
            Expect.stringContains message part "the message"

    testList "Messages on responses that are not a store's" [
        testCase "name the page, its server and its text, and look between host and store" (fun () ->
            says once (response 200 [ html; "Server", "Portal/1.0" ] signIn) [
                "something between this machine and the store answered (a proxy, gateway or portal)"
                "HTTP 200 with an HTML page (\"Sign in Sign in & continue\", Server: Portal/1.0)"
                "The object may be stored; a new export replaces it"
                "check the proxy variables"
            ]

            says once (response 403 [ html; "Server", "Filter" ] "<h1>Blocked by policy</h1>") [
                "HTTP 403 with an HTML page (\"Blocked by policy\", Server: Filter)"
                "a proxy, a gateway or a portal refused the upload: "
                "Check the proxy variables"
                "ask the network administrator to allow PUT requests"
            ]

            says once (response 401 [ "Content-Type", "text/plain" ] "Temp URL invalid") [
                "HTTP 401 with text (\"Temp URL invalid\")"
                "If they are right, ask the gateway's administrator, and the presigner for a new URL for PUT."
                "check the proxy variables"
            ]

            says
                once
                (response
                    401
                    [
                        "Content-Type", "text/plain"
                        "x-trans-id", "tx01"
                        "x-openstack-request-id", "tx01"
                    ]
                    "Temp URL invalid")
                [
                    "Ask the presigner for a new URL for PUT. If that does not help, ask the store's administrator"
                ]

            says once (response 401 [ html; "Server", "tinyproxy" ] "<h1>Unauthorized</h1>") [
                "HTTP 401 with an HTML page (\"Unauthorized\", Server: tinyproxy)"
                "user name and password in a proxy's URL"
            ])

        testCase
            "a digest error over a URL that fixes the checksum of an empty body names the presigner's setting"
            (fun () ->
                let plan query =
                    plan (Some(v4 3600 + query)) (retrying 3 0 0)

                for code in
                    [
                        "BadDigest"
                        "InvalidDigest"
                        "XAmzContentChecksumMismatch"
                        "XAmzContentSHA256Mismatch"
                    ] do
                    for query, name in
                        [
                            "&x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32",
                            "x-amz-checksum-crc32"
                            "&X-Amz-Checksum-Crc64nvme=AAAAAAAAAAA%3D", "x-amz-checksum-crc64nvme"
                        ] do
                        let turns =
                            feed (plan query) [
                                started
                                attempted 1 (response 400 [ xml ] (s3Error code "The checksum differs"))
                            ]

                        let failure = failure turns
                        Expect.equal (failure.Kind, failure.Attempts) (FailureKind.UrlUnusable, 1) code

                        Expect.stringContains
                            (failure.Message.ToLowerInvariant())
                            $"the url contains the checksum of an empty file ('{name}')"
                            "the cause"

                        Expect.stringContains failure.Message $"HTTP 400 {code}" "the response"

                        Expect.stringContains
                            failure.Message
                            "request_checksum_calculation=when_required"
                            "what to do"

                // Without one it is damage on the way, which is tried again once.
                let turns =
                    feed (plan "") [ started; attempted 1 (response 400 [ xml ] (s3Error "BadDigest" "m")) ]

                Expect.isFalse (List.last turns).Output.IsFailed "tried again")

        testCase "a reason is the message without the artifact's name and address" (fun () ->
            let failure =
                failure (
                    feed once [ started; attempted 1 (response 403 [ xml ] (s3Error "AccessDenied" "no")) ]
                )

            Expect.stringStarts
                failure.Reason
                "the server refused the upload: HTTP 403 AccessDenied"
                "the reason"

            Expect.stringEnds failure.Message $" failed: {failure.Reason}" "its place in the message")

        testCase "a wait names the outcome of the attempt before it" (fun () ->
            let plan = given (retrying 3 1500 1500)

            let waitAfter outcome =
                let turn = List.last (feed plan [ started; attempted 1 outcome ])
                Expect.wantSome (Push.retryWait turn.State) "the push waits", turn.Output

            let wait, output = waitAfter (response 503 [ xml ] (s3Error "SlowDown" "m"))
            Expect.equal (wait.NextAttempt, wait.Reason) (2, "503 SlowDown") "the reason"
            Expect.equal output (Output.Wait wait.Until) "the end"

            for reply, reason in
                [
                    response 502 [ html ] signIn, "HTTP 502"
                    response 500 [] "", "HTTP 500"
                    {
                        response 200 [ "ETag", "\"x\"" ] "" with
                            Sent = None
                    },
                    "HTTP 200 before the end of the body"
                    response 400 [ xml ] (s3Error "BadDigest" "m"), "400 BadDigest"
                ] do
                Expect.equal (fst (waitAfter reply)).Reason reason reason)

        testCase "an unmarked success names the setting" (fun () ->
            says
                (given (fun target -> {
                    target with
                        Name = TargetName.create "a-b" |> Result.toOption
                }))
                (response 200 [] "")
                [
                    "has none of the headers that stores send (ETag, checksum, version, request id)"
                    "a proxy or a portal"
                    "The object may be stored; a new export replaces it"
                    "CELLOS_EXPORT_S3_ACCEPT_UNMARKED__A_B=1"
                ])

        testCase "a text of a gateway's is reported" (fun () ->
            says once (response 401 [] "Temp URL invalid") [ "HTTP 401 with text (\"Temp URL invalid\")" ]

            says once (response 404 [ json ] "{\"code\":\"BucketNotFound\"}") [
                "HTTP 404 with JSON ('{\"code\":\"BucketNotFound\"}')"
            ])

        testCase "a missing header is named with the option that sends it" (fun () ->
            says
                once
                (response
                    400
                    [ xml ]
                    "\ufeff<Error><Code>MissingRequiredHeader</Code><Message>m</Message><HeaderName>x-ms-blob-type</HeaderName></Error>")
                [ "HeaderName: x-ms-blob-type"; "push --header 'x-ms-blob-type: BlockBlob'" ])

        testCase "a full store is reported as full" (fun () ->
            for reply in
                [
                    response 507 [] (s3Error "XMinioStorageFull" "x")
                    response 507 [] (s3Error "XMinioAdminBucketQuotaExceeded" "Bucket quota exceeded")
                    response 400 [] (s3Error "XMinioAdminBucketQuotaExceeded" "Bucket quota exceeded")
                    response 403 [] (s3Error "QuotaExceeded" "")
                    response 507 [] ""
                ] do
                says once reply [
                    "the store is full"
                    "Ask the store's administrator to free space or to raise the quota"
                ]

                let message = (failure (feed (given same) [ started; attempted 1 reply ])).Message

                for wrong in [ "attempts and"; "MAX_ATTEMPTS"; "s3:PutObject"; "key that signed" ] do
                    Expect.isFalse (message.Contains wrong) $"not '{wrong}': {message}")

        testCase "a gateway's success without a mark is done, with a warning" (fun () ->
            let plan =
                plan (Some "https://gateway.example/put/cell-1/logs/out.txt?token=q1w2e3r4t5") same

            for status in [ 200; 201; 204 ] do
                let turns = feed plan [ started; attempted 1 (response status [] "") ]
                Expect.equal (receipt turns).Integrity "unverified" "nothing is confirmed"

                Expect.stringContains
                    (Expect.wantSome (Push.warning (List.last turns).State) "a warning")
                    $"HTTP {status}"
                    "it names the response"

            for reply, part in
                [
                    response 202 [ requestId ] "", "does not say that a store has the object"
                    response 200 [ requestId ] "OK", "has a body that stores do not send"
                ] do
                let turns = feed plan [ started; attempted 1 reply ]
                Expect.equal (receipt turns).Integrity "unverified" part

                Expect.stringContains
                    (Expect.wantSome (Push.warning (List.last turns).State) part)
                    part
                    "it names the reason"

            let marked = feed plan [ started; attempted 1 stored ]
            Expect.isNone (Push.warning (List.last marked).State) "none for a store's")

        testCase "the warning of an HTTP endpoint's success is a sentence about that response" (fun () ->
            let s3 = plan (Some "https://gateway.example/put/cell-1/logs/out.txt") same

            let http = {
                s3 with
                    Target = { s3.Target with Bucket = None }
            }

            let turns = feed http [ started; attempted 1 (response 201 [] "") ]

            Expect.equal
                (Push.warning (List.last turns).State)
                (Some
                    $"The response for '{ArtifactName.value http.Artifact}' (HTTP 201) confirms no digest: nothing shows that the server has the same bytes. The receipt is unverified.")
                "the whole sentence")
    ]

[<Tests>]
let laws =
    let inputs =
        gen {
            let isOfOtherObject (script: Script) =
                script.Plan.Target.KeyCheck
                && (match Play.ending (play script) with
                    | Some(Error failure) -> failure.Kind = FailureKind.UrlUnusable
                    | _ -> false)

            let! script =
                Gen.frequency [
                    15, scriptsWithoutBroker
                    1, scriptsWithoutBroker |> Gen.filter isOfOtherObject
                ]

            // In one of five runs the operator accepts what has no mark, and meets it.
            let! isAccepted = Gen.frequency [ 4, Gen.constant false; 1, Gen.constant true ]
            let any = Field.response Outcomes.md5

            let unmarked =
                any
                |> Gen.filter (fun field ->
                    field.Status = 200
                    && field.End = BodyEnd.Whole
                    && not field.IsMarked
                    && not field.IsOfOther
                    && field.Kind = FieldBody.Empty)

            let! responses =
                Gen.listOfLength script.Steps.Length (if isAccepted then unmarked else any)

            let script =
                if isAccepted then
                    {
                        script with
                            Plan.Target.AcceptUnmarked = true
                    }
                else
                    script

            let! sents =
                Gen.listOfLength
                    script.Steps.Length
                    (Gen.frequency [
                        9, Gen.constant (Some(Outcomes.whole script.Length))
                        1, Gen.constant None
                    ])

            let steps =
                List.zip3 script.Steps responses sents
                |> List.map (fun (step, field, sent) -> {
                    step with
                        Outcome = Outcome.Replied(field.ToReply sent)
                })

            return { script with Steps = steps }, responses
        }

    testList "Field laws" [
        propertyTimes
            500
            "a receipt exists only if a store confirmed it or an unmarked response is accepted, and its destination is the key that was written"
            inputs
            (fun (script, responses) ->
                let turns = play script

                match turns |> List.tryFindIndex (fun turn -> turn.Output.IsDone) with
                | None -> ()
                | Some i ->
                    // Each step answers one output: the last request led to the receipt.
                    let field = responses[turns |> List.truncate i |> List.findIndexBack _.Output.IsPut]

                    let url = (puts turns |> List.last |> snd).Url
                    let target = script.Plan.Target

                    let isStored =
                        List.contains field.Status [ 200; 201; 204 ]
                        && (if field.End = BodyEnd.Whole then
                                field.Kind = FieldBody.Empty || field.Kind = FieldBody.Result
                            else
                                field.End <> BodyEnd.TooLong
                                && (Encoding.UTF8.GetString field.Body).Trim() = "")

                    let isConfirmed =
                        field.HasDigest
                        && not target.Integrity.IsOff
                        && (isStored || not (RequestUrl.isPresigned url))

                    let isReadable =
                        field.End = BodyEnd.Whole
                        && List.contains field.Kind [ FieldBody.Empty; FieldBody.Result; FieldBody.Harmless ]

                    let isStores =
                        field.IsMarked
                        && field.Kind <> FieldBody.Harmless
                        && List.contains field.Status [ 200; 201; 204 ]

                    let isFree = target.AcceptUnmarked || not (RequestUrl.isPresigned url)
                    Expect.equal (field.Status / 100) 2 (string field)
                    Expect.isFalse field.IsOfOther (string field)

                    if field.End = BodyEnd.Whole then
                        Expect.isFalse
                            (field.Kind = FieldBody.Page || field.Kind = FieldBody.Error)
                            (string field)

                    Expect.isTrue (isConfirmed || isReadable && (isStores || isFree)) (string field)

                    if target.KeyCheck && RequestUrl.isPresigned url then
                        let path = Uri.UnescapeDataString(RequestUrl.path url)
                        Expect.stringEnds path (ObjectKey.value script.Plan.Key) "the key that was written")

        propertyTimes
            500
            "no failure advises to accept unmarked responses where they are accepted"
            (inputs
             |> Gen.map (fun (script, responses) ->
                 {
                     script with
                         Plan.Target.AcceptUnmarked = true
                 },
                 responses))
            (fun (script, _) ->
                match Play.ending (play script) with
                | Some(Error failure) ->
                    Expect.isFalse (failure.Message.Contains "AcceptUnmarked") failure.Message
                | _ -> ())

        testCase "responses of the field meet the cases of their law" (fun () ->
            let runs =
                sample (inputs |> Gen.map (fun (script, responses) -> script, responses, play script))

            /// A run that meets such a response to a request whose body was sent.
            let meets isMeant (_: Script, responses: FieldResponse list, turns: Turn list) =
                List.zip (List.truncate turns.Length responses) (List.truncate responses.Length turns)
                |> List.exists (fun (field, turn) ->
                    turn.Output.IsPut && field.Status / 100 = 2 && isMeant field)

            expectShares runs [
                "a body that breaks off", meets (fun field -> field.End = BodyEnd.BrokenOff)
                "a body that is late", meets (fun field -> field.End = BodyEnd.Late)
                "a body that is too long", meets (fun field -> field.End = BodyEnd.TooLong)
                "a page", meets (fun field -> field.Kind = FieldBody.Page)
                "an error", meets (fun field -> field.Kind = FieldBody.Error && field.Code <> "")
                "an error in other words",
                meets (fun field -> field.Kind = FieldBody.Error && field.Code = "")
                "text or JSON without an error", meets (fun field -> field.Kind = FieldBody.Harmless)
                "a body that says nothing", meets (fun field -> field.Kind = FieldBody.Unknown)
                "a store's result", meets (fun field -> field.Kind = FieldBody.Result)
                "no mark", meets (fun field -> not field.IsMarked)
                "a network's request id and no mark",
                meets (fun field ->
                    not field.IsMarked
                    && field.Headers |> List.exists (fun (name, _) -> name = "cf-ray"))
                "202", meets (fun field -> field.Status = 202)
                "another status that does not say that the object is stored",
                meets (fun field -> field.Status > 202 && field.Status <> 204)
                "a digest with a body that no store sends",
                meets (fun field ->
                    field.HasDigest
                    && (field.End <> BodyEnd.Whole
                        || field.Kind = FieldBody.Harmless
                        || field.Kind = FieldBody.Unknown))
                "a response that says that it is not one to this upload", meets _.IsOfOther
                "a receipt", fun (_, _, turns) -> turns |> List.exists _.Output.IsDone
                "a receipt of an unmarked response that the operator accepts",
                fun (script, responses, turns) ->
                    script.Plan.Target.AcceptUnmarked
                    && turns |> List.exists _.Output.IsDone
                    && (let put = turns |> List.findIndexBack _.Output.IsPut

                        RequestUrl.isPresigned (puts turns |> List.last |> snd).Url
                        && not responses[put].IsMarked)
                "a URL of another object, which is not sent to",
                fun (script, _, turns) ->
                    script.Plan.Target.KeyCheck
                    && (match Play.ending turns with
                        | Some(Error failure) -> failure.Kind = FailureKind.UrlUnusable
                        | _ -> false)
            ])
    ]
