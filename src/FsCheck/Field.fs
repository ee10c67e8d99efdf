namespace CellOS.Export.S3.Generators

open System
open System.Collections.Generic
open System.Text
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core

/// The kind of a generated response's body.
[<RequireQualifiedAccess>]
type FieldBody =
    /// No body, or white space alone, whatever the content type says.
    | Empty
    /// An HTML page, such as a sign-in form or a block notice.
    | Page
    /// A document that reports an error: S3's, another store's, or a gateway's.
    | Error
    /// Text or JSON that reports no error: `{"status":"ok"}`, `OK`.
    | Harmless
    /// A body that says nothing: compressed or binary data, XML of another kind.
    | Unknown
    /// A document that a store sends with a success; beside Alibaba OSS's request id, a callback's JSON too.
    | Result

/// A response as a store, a gateway, a proxy or a portal may send it, in raw form, and what it is by construction.
type FieldResponse = {
    /// The HTTP status.
    Status: int
    /// Names and values, as they are sent.
    Headers: (string * string) list
    /// The body, octet for octet.
    Body: byte[]
    /// The kind of the body. A body that is not whole is the beginning of one of that kind.
    Kind: FieldBody
    /// How the reading of the body ends.
    End: BodyEnd
    /// The S3 error code in the body; empty for none.
    Code: string
    /// True if a header is a mark of a store: an ETag, a checksum, a version or a request id.
    IsMarked: bool
    /// True if a header reports the digest of the content that was sent, and confirms it.
    HasDigest: bool
    /// True if the response says that it is not one to this upload.
    IsOfOther: bool
} with

    /// The response as the core reads it, after the whole body was sent.
    member this.ToReply(sent: Sent option) : Reply =
        Reply.read
            this.Status
            [ for name, value in this.Headers -> KeyValuePair(name, value) ]
            (ReadOnlyMemory(this.Body, 0, min this.Body.Length S3Error.MaxBytes))
            this.End
            sent

    override this.ToString() =
        let start = Encoding.UTF8.GetString(this.Body, 0, min this.Body.Length 2000)
        $"HTTP {this.Status}, %A{this.Headers}, {this.Kind} {this.Code} {this.End}: {start}"

/// Responses of the field: statuses, bodies, marks and headers of all dialects, combined at random.
[<RequireQualifiedAccess>]
module Field =

    let private utf8 (text: string) = Encoding.UTF8.GetBytes text

    let private statuses =
        Gen.frequency [
            14, Gen.elements [ 200; 200; 200; 200; 201; 204 ]
            3, Gen.constant 202
            3, Gen.elements [ 203; 205; 206; 207; 208; 226; 299 ]
            2, Gen.elements [ 400; 401; 403; 404; 409; 412; 417; 429 ]
            2, Gen.elements [ 500; 502; 503; 507 ]
            1, Gen.elements [ 301; 302; 307 ]
        ]

    let private pages = [
        "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to continue</body></html>"
        "<html><body><h1>Blocked by policy</h1><p>Ticket 4711</p></body></html>"
        "\n\n  <!-- proxy --><HTML><BODY>Access denied by the administrator</BODY></HTML>"
        "<script>location='https://portal.example/login'</script><noscript>Log in</noscript>"
        "<?xml version=\"1.0\"?><html xmlns=\"http://www.w3.org/1999/xhtml\"><body>Welcome</body></html>"
    ]

    let private codes = [
        "InternalError"
        "SlowDown"
        "AccessDenied"
        "ExpiredToken"
        "RequestExpired"
        "BadDigest"
        "NoSuchBucket"
        "QuotaExceeded"
    ]

    let private errorsWithCode =
        gen {
            let! code = Gen.elements codes
            let! bom = Gen.elements [ ""; "\ufeff" ]

            let! declaration =
                Gen.elements [ ""; "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" ]

            let! ns = Gen.elements [ ""; " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"" ]

            return
                code,
                utf8
                    $"{bom}{declaration}<Error{ns}><Code>{code}</Code><Message>It failed</Message><RequestId>R</RequestId></Error>"
        }

    let private otherErrors =
        Gen.elements [
            "<Error><Message>no code</Message></Error>"
            "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>"
            "{\"error\":{\"code\":503,\"message\":\"backend\"}}"
            "{\"success\":false,\"errors\":[{\"code\":1000}]}"
            "{\"fault\":{\"faultstring\":\"Spike arrest violation\"}}"
            "{\"message\":\"Forbidden\"}"
            "{\"Message\":\"Access Denied\"}"
            "{\"detail\":\"Not authenticated\"}"
            "{\"data\":{\"error\":\"no such user\"}}"
            "{\"result\":\"failed\"}"
            "<ErrorResult><Code>AccessDenied</Code></ErrorResult>"
            "<PutObjectResult><Error><Code>AccessDenied</Code></Error></PutObjectResult>"
            "Access denied by policy"
            "error: quota exceeded"
            "500 Internal Server Error"
            "Upload dropped, pending scan"
            "{\"redirect\":\"https://login.example/\"}"
            "{\"action\":\"quarantine\",\"verdict\":\"malicious\"}"
            "<Response><Status>FAILED</Status></Response>"
            "<PutObjectResult><Status>403 Forbidden</Status></PutObjectResult>"
            "<multistatus xmlns=\"DAV:\"><status>HTTP/1.1 403 Forbidden</status></multistatus>"
        ]
        |> Gen.map (fun text -> "", utf8 text)

    let private harmless =
        Gen.elements [ "OK"; "{\"status\":\"ok\"}"; "{\"error\":null}"; "Hello World!"; "stored" ]
        |> Gen.map utf8

    let private unknown =
        Gen.elements [
            "\u001f\u008b\u0008\u0000x"
            "<feed xmlns=\"http://www.w3.org/2005/Atom\"/>"
            "<multistatus xmlns=\"DAV:\"/>"
        ]
        |> Gen.map utf8

    let private results =
        Gen.elements [
            "<PutObjectResult/>"
            "<PostResponse><Location>https://store.example/logs/error.txt</Location></PostResponse>"
            "<?xml version=\"1.0\"?>\n<UploadResult><OriginalInfo><ImageInfo><Format>PNG</Format></ImageInfo></OriginalInfo></UploadResult>"
        ]
        |> Gen.map utf8

    let private contentTypes (kind: FieldBody) =
        match kind with
        | FieldBody.Page ->
            Gen.elements [ Some "text/html"; Some "text/html; charset=utf-8"; None; Some "text/plain" ]
        // Swift labels an empty body so.
        | FieldBody.Empty -> Gen.elements [ None; Some "text/html; charset=UTF-8"; Some "application/xml" ]
        | FieldBody.Error -> Gen.elements [ Some "application/xml"; Some "text/html"; Some "text/xml"; None ]
        | FieldBody.Result -> Gen.elements [ Some "application/xml"; None ]
        | FieldBody.Unknown
        | FieldBody.Harmless -> Gen.elements [ Some "text/plain"; None ]

    let private body =
        Gen.frequency [
            5,
            Gen.elements [ [||]; [||]; utf8 " \r\n" ]
            |> Gen.map (fun body -> FieldBody.Empty, "", body)
            3, Gen.elements pages |> Gen.map (fun page -> FieldBody.Page, "", utf8 page)
            3, errorsWithCode |> Gen.map (fun (code, body) -> FieldBody.Error, code, body)
            4, otherErrors |> Gen.map (fun (code, body) -> FieldBody.Error, code, body)
            3, harmless |> Gen.map (fun body -> FieldBody.Harmless, "", body)
            4, unknown |> Gen.map (fun body -> FieldBody.Unknown, "", body)
            3, results |> Gen.map (fun body -> FieldBody.Result, "", body)
        ]

    /// More of a body than is read.
    let private padding = Array.create (S3Error.MaxBytes + 1) (byte ' ')

    /// The end of a body, and what is read of it.
    let private ending (body: byte[]) =
        Gen.frequency [
            7, Gen.constant (BodyEnd.Whole, body)
            4,
            gen {
                let! bodyEnd = Gen.elements [ BodyEnd.BrokenOff; BodyEnd.Late ]
                let! length = Gen.elements [ 0; body.Length / 2; body.Length ]
                return bodyEnd, Array.truncate length body
            }
            2,
            Gen.elements [
                BodyEnd.TooLong, Array.append body padding
                BodyEnd.TooLong, Array.append padding body
            ]
        ]

    /// Headers that report the digest of the content.
    let private digests (md5: string) =
        Gen.elements [
            "ETag", $"\"{md5}\""
            "ETag", md5.ToUpperInvariant()
            "etag", $"W/\"{md5}\""
            "Content-MD5", Convert.ToBase64String(Convert.FromHexString md5)
        ]

    /// Headers that stores set, and no proxy or portal.
    let private marks =
        Gen.elements [
            "ETag", "\"1f-4\""
            "x-amz-version-id", "3HL4kqtJlcpXroDTDmJ"
            "x-amz-request-id", "4442587FB7D0A2F9"
            "X-Amz-Id-2", "vlR7PnpV2Ce81l0P"
            "x-ms-request-id", "b5f37cbc-901e"
            "x-goog-generation", "1360887759327000"
            "X-GUploader-UploadID", "ABPtcPq"
            "x-oss-request-id", "5C06A3B67B8B5A3DA422299D"
            "x-cos-request-id", "NTg3NzRlYjBfMzg"
            "x-obs-request-id", "BF2600000164361F"
            "opc-request-id", "fra-1:abc"
            "x-trans-id", "tx74a1bd8b5f6c"
            "x-amz-checksum-crc64nvme", "AQEBAQEBAQE="
        ]

    /// Headers that say that the response is not one to this upload.
    let private contradictions =
        Gen.elements [
            "Age", "3600"
            "X-Cache", "TCP_HIT from proxy"
            "Content-Range", "bytes 0-3/4"
            "Refresh", "0; url=https://portal.example/"
            "WWW-Authenticate", "Basic"
            "x-amz-delete-marker", "true"
            "x-amz-error-code", "AccessDenied"
            "x-ms-error-code", "AuthenticationFailed"
            "x-amz-object-size", "4711"
            "x-goog-stored-content-length", "4711"
            "CF-Cache-Status", "HIT"
            "Cache-Status", "cache.example; hit"
            "Proxy-Status", "proxy.example; error=connection_timeout"
            "X-Squid-Error", "ERR_ACCESS_DENIED 0"
        ]

    /// Headers that anybody sets.
    let private others =
        Gen.subListOf [
            "Server", "nginx"
            "Via", "1.1 proxy"
            "Date", "Sun, 01 Mar 2026 12:00:00 GMT"
            "Cache-Control", "no-store"
            "X-Powered-By", "portal"
            "Set-Cookie", "session=1"
            "x-amz-checksum-type", "FULL_OBJECT"
            "cf-ray", "8b1f2a3b4c5d-FRA"
            "x-request-id", "7b9e"
            "x-cache", "MISS"
        ]

    /// A response to a request whose body has the given MD5 (32 hexadecimal digits).
    let response (md5: string) : Gen<FieldResponse> =
        gen {
            let! status = statuses
            let! kind, code, body = body
            let! contentType = contentTypes kind

            let! digests =
                Gen.frequency [ 2, Gen.constant []; 1, Gen.listOfLength 1 (digests md5) ]

            let! marks =
                if digests.IsEmpty then
                    Gen.frequency [ 2, Gen.constant []; 3, Gen.listOfLength 1 marks ]
                else
                    Gen.constant digests

            let! others = others

            let! contradictions =
                Gen.frequency [ 7, Gen.constant []; 1, Gen.listOfLength 1 contradictions ]

            let! bodyEnd, body = ending body

            let isCallback =
                kind = FieldBody.Harmless
                && body.Length > 0
                && body[0] = byte '{'
                && List.exists (fst >> (=) "x-oss-request-id") marks

            let kind, code, body, bodyEnd =
                // HTTP has no body there (RFC 9110, 15.3.5).
                if status = 204 || status = 205 then FieldBody.Empty, "", [||], BodyEnd.Whole
                elif isCallback then FieldBody.Result, code, body, bodyEnd
                else kind, code, body, bodyEnd

            return {
                Status = status
                Headers = [
                    yield! marks
                    yield! others
                    yield! contradictions

                    match contentType with
                    | Some contentType -> "Content-Type", contentType
                    | None -> ()
                ]
                Body = body
                Kind = kind
                End = bodyEnd
                Code = code
                // Web servers set weak ETags.
                IsMarked =
                    marks
                    |> List.exists (fun (name, value) ->
                        name <> "Content-MD5" && not (value.StartsWith("W/", StringComparison.Ordinal)))
                // `Content-MD5` may be about the response's body: it confirms only beside a mark.
                HasDigest = digests |> List.exists (fun (name, _) -> name <> "Content-MD5")
                IsOfOther = not contradictions.IsEmpty
            }
        }
