module CellOS.Export.S3.Core.Tests.RequestHeaderTests

open System
open System.Collections.Generic
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators

let private customerKey = "x-amz-server-side-encryption-customer-key"

let private create (headers: (string * string) list) =
    RequestHeaders.create [ for name, value in headers -> KeyValuePair(name, value) ]

let private messageOf (name: string) (value: string) =
    match RequestHeader.create name value with
    | Ok header -> failtest $"{header} was taken"
    | Error refusal -> refusal.Message

let private shown (header: RequestHeader) =
    $"{header.Name}: {RequestHeader.reveal header}"

/// Names in any case, some of them equal but for that; values of all kinds.
let private anyHeaders =
    gen {
        let name =
            Gen.frequency [
                3,
                Gen.elements [
                    "x-amz-meta-a"
                    "x-amz-acl"
                    "cache-control"
                    "host"
                    "expect"
                    "traceparent"
                ]
                |> Gen.bind mixedCase
                1, anyText
            ]

        let value = Gen.frequency [ 3, alphanumeric 1 20; 1, anyText ]
        return! Gen.listOf (Gen.zip name value)
    }

let private lines =
    gen {
        let! text = anyText

        let! name =
            Gen.elements [ "x-amz-meta-a"; "X-Amz-Meta-A"; "Content-Type"; "content-type"; "Host"; "" ]

        let! colon = Gen.elements [ ": "; ":"; " : "; "" ]
        return name + colon + text
    }

[<Tests>]
let tests =
    testList "RequestHeader" [
        testCase "takes what S3 gives a meaning to, as it is written" (fun () ->
            for name, value, sent in
                [
                    "x-amz-meta-run", "42", "42"
                    "X-Amz-Meta-Note", " \ttwo  words\there \t", "two  words\there"
                    "x-amz-meta-note", "=?UTF-8?B?w7w=?=", "=?UTF-8?B?w7w=?="
                    "x-amz-server-side-encryption", "aws:kms", "aws:kms"
                    customerKey,
                    "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U=",
                    "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U="
                    "x-amz-object-lock-mode", "COMPLIANCE", "COMPLIANCE"
                    "x-amz-object-lock-retain-until-date", "2036-01-01T00:00:00Z", "2036-01-01T00:00:00Z"
                    "x-amz-content-sha256", "UNSIGNED-PAYLOAD", "UNSIGNED-PAYLOAD"
                    "x-amz-content-sha256", String('a', 64), String('a', 64)
                    "Content-Encoding", "gzip", "gzip"
                    "Cache-Control", "no-store", "no-store"
                    "Expires", "Thu, 01 Jan 2037 00:00:00 GMT", "Thu, 01 Jan 2037 00:00:00 GMT"
                    "User-Agent", "host/1", "host/1"
                    "!#$%&'*+-.^_`|~09azAZ", "~!", "~!"
                    "x-a",
                    String('v', RequestHeader.MaxValueLength),
                    String('v', RequestHeader.MaxValueLength)
                ] do
                match RequestHeader.create name value with
                | Ok header -> Expect.equal (shown header) $"{name}: {sent}" name
                | Error refusal -> failtest refusal.Message)

        testCase "refuses what is not the caller's, and says what to do instead" (fun () ->
            for names, told in
                [
                    [ "Host"; "HOST" ], "Give the host in the URL"
                    [ "Content-Length" ], "always sent"
                    [ "Content-Type" ], "ContentType of the artifact's metadata"
                    [ "Content-MD5"; "content-md5" ], "ContentMd5 (CELLOS_EXPORT_S3_CONTENT_MD5__<TARGET>=1)"
                    [ "If-None-Match" ], "WriteOnce (CELLOS_EXPORT_S3_WRITE_ONCE__<TARGET>=1)"
                    [ "Expect" ], "CELLOS_EXPORT_S3_EXPECT_CONTINUE_MIN_BYTES"
                    [ "If-Match"; "If-Modified-Since"; "If-Unmodified-Since"; "If-Range" ], "WriteOnce"
                    [
                        "Transfer-Encoding"
                        "Connection"
                        "Keep-Alive"
                        "Proxy-Connection"
                        "Upgrade"
                        "TE"
                        "Trailer"
                        "HTTP2-Settings"
                    ],
                    "belongs to the connection"
                    [
                        "Authorization"
                        "Proxy-Authorization"
                        "Cookie"
                        "x-amz-security-token"
                        "x-amz-s3session-token"
                        "X-Amz-Signature"
                        "X-Amz-Credential"
                    ],
                    "the signature in the URL is the whole authentication"
                    [ "traceparent"; "tracestate"; "baggage"; "Request-Id"; "Correlation-Context" ],
                    "x-amz-meta-"
                    [
                        "x-amz-copy-source"
                        "x-amz-copy-source-range"
                        "x-amz-copy-source-server-side-encryption-customer-key"
                        "x-amz-write-offset-bytes"
                        "Content-Range"
                        "x-amz-rename-source"
                        "X-HTTP-Method-Override"
                        "X-HTTP-Method"
                        "X-Method-Override"
                    ],
                    "holds the file and nothing else"
                    [ "x-amz-decoded-content-length"; "x-amz-trailer" ], "signed chunks"
                ] do
                for name in names do
                    let message = messageOf name "5ecretvalue"
                    Expect.stringContains message told name
                    Expect.stringContains message $"'{name}'" "which"
                    Expect.isFalse (message.Contains "5ecretvalue") message)

        testCase "refuses names that are no token, and shows nothing of what may be a value" (fun () ->
            for name, told in
                [
                    "", "is empty"
                    " x", "begins with the character U+0020"
                    ":authority", "begins with the character U+003A"
                    "x-a: 5ecretvalue", "goes on after 'x-a' with the character U+003A"
                    "x-a\r\nHost", "U+000D"
                    "x-é5ecretvalue", "goes on after 'x-' with the character U+00E9"
                    "x\000", "U+0000"
                    "x(y)", "U+0028"
                    String('x', RequestHeader.MaxNameLength + 1), "257 characters long"
                ] do
                let message = messageOf name "v"
                Expect.stringContains message told name
                Expect.isFalse (message.Contains "5ecretvalue") message)

        testCase "refuses values that no field can hold, and shows nothing of them" (fun () ->
            for name, value, told in
                [
                    "x-a", "", "has no value"
                    "x-a", " \t ", "has no value"
                    "x-a", Unchecked.defaultof<string>, "has no value"
                    "x-a", "5ecretvalue\r\nHost: h", "control character U+000D at position 12"
                    "x-a", "5ecretvalue\n", "U+000A"
                    "x-a", "a\000b", "U+0000"
                    "x-a", "a\127", "U+007F"
                    "x-a", "5ecretvalue ü", "outside ASCII at position 13"
                    "x-amz-meta-a", "\u0080", "RFC 2047"
                    "x-a", String('v', RequestHeader.MaxValueLength + 1), "8192 are allowed"
                    "Content-Encoding", "gzip, AWS-chunked", "aws-chunked"
                    "x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "64 hexadecimal digits"
                ] do
                let message = messageOf name value
                Expect.stringContains message told name
                Expect.stringContains message $"'{name}'" "which"
                Expect.isFalse (message.Contains "5ecretvalue") message)

        testCase "tells all that is wrong with several at once" (fun () ->
            match create [ "Host", "h"; "x-a", "1"; "X-A", "2"; "x-b", "" ] with
            | Ok headers -> failtest $"{headers} were taken"
            | Error problems ->
                let messages = problems |> List.map _.Message
                Expect.hasLength messages 3 "three"
                Expect.stringContains messages[0] "'Host'" "not the caller's"
                Expect.stringContains messages[1] "'X-A' is given twice" "case makes no difference"
                Expect.stringContains messages[2] "'x-b' has no value" "no value")

        property "what is taken is a token and a value on one line, once, in order" anyHeaders (fun headers ->
            match create headers with
            | Ok taken ->
                let names = taken |> List.map _.Name.ToLowerInvariant()

                Expect.sequenceEqual
                    names
                    (names |> List.distinct |> List.sortWith (fun a b -> String.CompareOrdinal(a, b)))
                    "once, in order"

                Expect.hasLength taken headers.Length "all of them"

                for header in taken do
                    let value = RequestHeader.reveal header
                    Expect.equal (value.Trim()) value "no outer blanks"
                    Expect.isFalse (value |> Seq.exists (fun c -> c > '~' || c < ' ' && c <> '\t')) "visible"

                    Expect.isFalse
                        (header.Name |> Seq.exists (fun c -> c <= ' ' || c >= '\127' || c = ':'))
                        "a token"

                    Expect.isFalse (List.contains names.Head [ "host"; "expect"; "traceparent" ]) "free"
            | Error problems -> Expect.isFalse problems.IsEmpty "a reason")

        property
            "no way of showing a header shows its value"
            (Gen.zip secret (Gen.elements [ customerKey; "X-Key"; "x-amz-meta-a" ]))
            (fun (value, name) ->
                match RequestHeader.create name value with
                | Error refusal -> failtest refusal.Message
                | Ok header ->
                    for way in Shown.everyWay header @ Shown.everyWay [ header ] do
                        Expect.isFalse (way.Contains value) way)

        testCase "lines of a command line may hold a media type, and each name once" (fun () ->
            match
                HeaderLines.parse [
                    "x-amz-meta-b:2"
                    "content-type : text/plain; charset=utf-8"
                    "X-Amz-Meta-A: a: b "
                ]
            with
            | Error problems -> failtest $"{problems}"
            | Ok parsed ->
                Expect.equal parsed.ContentType (Some "text/plain; charset=utf-8") "the media type"

                Expect.sequenceEqual
                    (parsed.Headers |> List.map shown)
                    [ "X-Amz-Meta-A: a: b"; "x-amz-meta-b: 2" ]
                    "the others"

            for lines, told in
                [
                    [ "5ecretvalue" ], "has no colon"
                    [ ":5ecretvalue" ], "is empty"
                    [ "x-a:" ], "has no value"
                    [ "Host: h" ], "the host in the URL"
                    [ "x-a: 1"; "X-A: 2" ], "given twice"
                    [ "Content-Type: a/b"; "content-type: a/b" ], "given twice"
                    [ "Content-Type:" ], "not a media type"
                    [ "x a: 5ecretvalue" ], "U+0020"
                ] do
                match HeaderLines.parse lines with
                | Ok _ -> failtest $"{lines} were taken"
                | Error problems ->
                    let message = (List.exactlyOne problems).Message
                    Expect.stringContains message told $"{lines}"
                    Expect.isFalse (message.Contains "5ecretvalue") message)

        property "lines are taken or refused, whatever they hold" (Gen.listOf lines) (fun lines ->
            match HeaderLines.parse lines with
            | Ok parsed ->
                Expect.equal
                    (parsed.Headers.Length + (if parsed.ContentType.IsSome then 1 else 0))
                    lines.Length
                    "all of them"
            | Error problems -> Expect.isFalse problems.IsEmpty "a reason")
    ]

/// The headers of other dialects that make a PUT another operation, with a value that each takes.
let private operationHeaders = [
    "x-amz-copy-source", "/b/k"
    "X-Copy-From", "/c/o"
    "X-Copy-From-Account", "a"
    "x-goog-copy-source", "/b/k"
    "x-ms-copy-source", "https://a/b"
    "x-ms-copy-action", "abort"
    "x-oss-copy-source", "/b/k"
    "x-cos-copy-source", "/b/k"
    "x-obs-copy-source", "/b/k"
    "x-bce-copy-source", "/b/k"
    "x-tos-copy-source", "/b/k"
    "x-kss-copy-source", "/b/k"
    "x-amz-rename-source", "/b/k"
    "x-amz-rename-source-if-match", "e"
    "x-ms-rename-source", "/f/k"
    "x-ms-file-rename-source", "/f/k"
    "X-Object-Manifest", "c/prefix"
    "X-Static-Large-Object", "True"
    "X-Symlink-Target", "c/o"
    "X-Symlink-Target-Account", "a"
    "x-oss-symlink-target", "o"
    "x-goog-resumable", "start"
    "X-Goog-Upload-Command", "start"
    "X-Upload-Content-Type", "text/plain"
    "X-Upload-Content-Length", "5"
    "Upload-Offset", "0"
    "Tus-Resumable", "1.0.0"
    "OC-Chunked", "1"
    "opc-multipart", "true"
    "Range", "bytes=0-4"
    "Content-Range", "bytes 0-4/5"
    "x-ms-range", "bytes=0-4"
    "X-Update-Range", "bytes=0-4"
    "x-amz-write-offset-bytes", "5"
    "x-ms-write", "update"
    "x-ms-page-write", "update"
    "x-ms-blob-condition-appendpos", "0"
    "x-ms-blob-content-length", "512"
    "x-ms-type", "file"
    "x-ms-lease-action", "acquire"
    "x-ms-undelete-source", "o"
    "x-ms-blob-type", "PageBlob"
    "x-ms-blob-type", "AppendBlob"
    "x-minio-source-etag", "e"
    "X-Amz-Meta-Snowball-Auto-Extract", "true"
    "X-Amz-Meta-Minio-Snowball-Prefix", "p"
    "X-HTTP-Method", "POST"
    "X-HTTP-Method-Override", "POST"
    "X-Method-Override", "POST"
    "HTTP-Method-Override", "POST"
    "X-Forwarded-Host", "h"
    "X-Original-URL", "/other"
    "X-Rewrite-URL", "/other"
    "Forwarded", "host=h"
]

[<Tests>]
let operations =
    testList "Headers of other operations" [
        testCase
            "a header that makes the request another operation is refused, and the error says which"
            (fun () ->
                for name, value in operationHeaders do
                    for name in [ name; name.ToLowerInvariant(); name.ToUpperInvariant() ] do
                        let message = messageOf name value
                        Expect.stringContains message $"'{name}'" "the header"
                        Expect.stringContains message ", not an upload of the whole file" "why"

                        Expect.isTrue
                            (message.Contains "Leave it out" || message.Contains "Give 'BlockBlob'")
                            message)

        testCase "each row of the table refuses a header of the list above" (fun () ->
            for pattern, operation in RequestHeader.otherOperations do
                let isMatch (name: string) =
                    IO.Enumeration.FileSystemName.MatchesSimpleExpression(pattern, name)

                let examples =
                    operationHeaders
                    |> List.filter (fst >> isMatch)
                    |> List.append [ pattern.Replace("*", "a"), "v" ]

                for name, value in examples do
                    Expect.isTrue
                        (RequestHeader.create name value).IsError
                        $"{name} ({pattern}, {operation})")

        testCase "metadata and the ordinary headers of other stores are free" (fun () ->
            for name, value in
                [
                    "x-amz-meta-copy-source", "disk 7"
                    "x-amz-meta-range", "a-b"
                    "x-ms-meta-x-symlink-target", "t"
                    "x-goog-meta-forwarded", "no"
                    "X-Object-Meta-Original", "o"
                    "x-ms-blob-type", "BlockBlob"
                    "x-ms-version", "2021-08-06"
                    "x-ms-lease-id", "1"
                    "x-ms-tags", "a=b"
                    "x-oss-forbid-overwrite", "true"
                    "x-goog-if-generation-match", "0"
                    "x-amz-tagging", "a=b"
                    "opc-meta-a", "b"
                ] do
                match RequestHeader.create name value with
                | Ok _ -> ()
                | Error refusal -> failtest refusal.Message)
    ]

[<Tests>]
let documented =
    testCase
        "docs/behaviour.md lists the headers of other operations, and what each makes of the request"
        (fun () ->
            let text =
                IO.File.ReadAllText(
                    IO.Path.Combine(__SOURCE_DIRECTORY__, "..", "..", "..", "docs", "behaviour.md")
                )

            let rows =
                text.Split '\n'
                |> Seq.skipWhile (fun line -> not (line.StartsWith "| Header (`*`"))
                |> Seq.skip 2
                |> Seq.takeWhile _.StartsWith("|")
                |> Seq.collect (fun line ->
                    let cells = line.Split '|'

                    [ for name in cells[1].Split ',' -> name.Trim(' ', '`'), cells[2].Trim() ])
                |> Seq.filter (fun (name, _) -> not (name.StartsWith "x-ms-blob-type"))
                |> Set.ofSeq

            Expect.equal rows (Set.ofList RequestHeader.otherOperations) "the same table")
