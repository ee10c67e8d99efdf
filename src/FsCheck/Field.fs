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
    /// A body that says nothing: `{"status":"ok"}`, `OK`, XML of another kind.
    | Harmless

/// A response as a store, a gateway, a proxy or a portal may send it, in raw form, and what it is by construction.
type FieldResponse = {
    /// The HTTP status.
    Status: int
    /// Names and values, as they are sent.
    Headers: (string * string) list
    /// The body, octet for octet.
    Body: byte[]
    /// The kind of the body.
    Kind: FieldBody
    /// The S3 error code in the body; empty for none.
    Code: string
    /// True if a header is a mark of a store: an ETag, a checksum, a version or a request id.
    IsMarked: bool
} with

    /// The response as the core reads it, after the whole body was sent.
    member this.ToReply(sent: Sent option) : Reply =
        Reply.read
            this.Status
            [ for name, value in this.Headers -> KeyValuePair(name, value) ]
            (ReadOnlyMemory this.Body)
            true
            sent

    override this.ToString() =
        $"HTTP {this.Status}, %A{this.Headers}, {this.Kind} {this.Code}: {Encoding.UTF8.GetString this.Body}"

/// Responses of the field: statuses, bodies, marks and headers of all dialects, combined at random.
[<RequireQualifiedAccess>]
module Field =

    let private utf8 (text: string) = Encoding.UTF8.GetBytes text

    let private statuses =
        Gen.frequency [
            6, Gen.elements [ 200; 200; 201; 202; 203; 204; 207 ]
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
        ]
        |> Gen.map (fun text -> "", utf8 text)

    let private harmless =
        Gen.elements [ "OK"; "{\"status\":\"ok\"}"; "{\"error\":null}"; "<PutResult/>"; "stored" ]
        |> Gen.map utf8

    let private contentTypes (kind: FieldBody) =
        match kind with
        | FieldBody.Page ->
            Gen.elements [ Some "text/html"; Some "text/html; charset=utf-8"; None; Some "text/plain" ]
        // Swift labels an empty body so.
        | FieldBody.Empty -> Gen.elements [ None; Some "text/html; charset=UTF-8"; Some "application/xml" ]
        | FieldBody.Error -> Gen.elements [ Some "application/xml"; Some "text/html"; Some "text/xml"; None ]
        | FieldBody.Harmless -> Gen.elements [ Some "text/plain"; None ]

    let private body =
        Gen.frequency [
            4,
            Gen.elements [ [||]; [||]; utf8 " \r\n" ]
            |> Gen.map (fun body -> FieldBody.Empty, "", body)
            2, Gen.elements pages |> Gen.map (fun page -> FieldBody.Page, "", utf8 page)
            2, errorsWithCode |> Gen.map (fun (code, body) -> FieldBody.Error, code, body)
            1, otherErrors |> Gen.map (fun (code, body) -> FieldBody.Error, code, body)
            1, harmless |> Gen.map (fun body -> FieldBody.Harmless, "", body)
        ]

    /// Headers that stores set, and no proxy or portal.
    let private marks (md5: string) =
        Gen.elements [
            "ETag", $"\"{md5}\""
            "ETag", md5.ToUpperInvariant()
            "etag", $"W/\"{md5}\""
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
            "cf-ray", "8b1f2a3b4c5d-FRA"
            "x-trans-id", "tx74a1bd8b5f6c"
            "x-amz-checksum-crc64nvme", "AAAAAAAAAAA="
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
        ]

    /// A response to a request whose body has the given MD5 (32 hexadecimal digits).
    let response (md5: string) : Gen<FieldResponse> =
        gen {
            let! status = statuses
            let! kind, code, body = body
            let! contentType = contentTypes kind
            let! marks = Gen.frequency [ 2, Gen.constant []; 3, Gen.listOfLength 1 (marks md5) ]
            let! others = others

            // HTTP has no body there (RFC 9110, 15.3.5).
            let kind, code, body =
                if status = 204 then FieldBody.Empty, "", [||] else kind, code, body

            return {
                Status = status
                Headers = [
                    yield! marks
                    yield! others

                    match contentType with
                    | Some contentType -> "Content-Type", contentType
                    | None -> ()
                ]
                Body = body
                Kind = kind
                Code = code
                IsMarked = not marks.IsEmpty
            }
        }
