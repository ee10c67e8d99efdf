/// What each dialect returns, and which checks it makes of its own.
module DialectTests

open System
open System.Collections.Generic
open System.Security.Cryptography
open System.Text.RegularExpressions
open Expecto
open LoopbackS3
open Client

let private body = bytes "123456789"
let private md5 = Convert.ToBase64String(MD5.HashData body)
let private nvme = "rosUhgp5mIg="
let private crc32c = "4waSgw=="
let private xz = "11051210869376104954"
let private md5ETag = "\"" + hex (MD5.HashData body) + "\""

type private Expected = {
    Dialect: Dialect
    /// A regular expression for the whole of the ETag.
    ETag: string
    IsETagMd5: bool
    Status: int
    Ids: string list
    Marks: (string * string) list
    EnforcesQuery: bool
}

let private amazonIds = [ "x-amz-request-id"; "x-amz-id-2" ]

let private plain = {
    Dialect = Dialect.PlainMd5
    ETag = md5ETag
    IsETagMd5 = true
    Status = 200
    Ids = amazonIds
    Marks = []
    EnforcesQuery = true
}

let private amazon = {
    plain with
        Dialect = Dialect.AmazonS3
        Marks = [ "x-amz-checksum-crc64nvme", nvme; "x-amz-checksum-type", "FULL_OBJECT" ]
        EnforcesQuery = false
}

let private google = {
    amazon with
        Dialect = Dialect.GoogleCloudStorage
        Ids = [ "x-guploader-uploadid" ]
        Marks = [ "x-goog-hash", $"crc32c={crc32c},md5={md5}" ]
}

let private table =
    Map [
        "PlainMd5", plain
        "AmazonS3", amazon
        "AmazonS3Kms",
        {
            amazon with
                Dialect = Dialect.AmazonS3Kms
                ETag = "\"[0-9a-f]{32}\""
                IsETagMd5 = false
                Marks =
                    amazon.Marks
                    @ [
                        "x-amz-server-side-encryption", "aws:kms"
                        "x-amz-server-side-encryption-aws-kms-key-id",
                        "arn:aws:kms:us-east-1:111122223333:key/loopback"
                    ]
        }
        "CloudflareR2",
        {
            plain with
                Dialect = Dialect.CloudflareR2
                Ids = [ "cf-ray" ]
                Marks = [ "x-amz-checksum-crc64nvme", nvme ]
        }
        "MinIO",
        {
            plain with
                Dialect = Dialect.MinIO
                EnforcesQuery = false
        }
        "SeaweedFS",
        {
            plain with
                Dialect = Dialect.SeaweedFS
        }
        "GoogleCloudStorage", google
        "GoogleCloudStorageTwoLines",
        {
            google with
                Dialect = Dialect.GoogleCloudStorageTwoLines
        }
        "AzureBlob",
        {
            amazon with
                Dialect = Dialect.AzureBlob
                ETag = "\"0x8D[0-9A-F]{13}\""
                IsETagMd5 = false
                Status = 201
                Ids = [ "x-ms-request-id" ]
                Marks = [ "Content-MD5", md5 ]
        }
        "AlibabaOss",
        {
            amazon with
                Dialect = Dialect.AlibabaOss
                ETag = md5ETag.ToUpperInvariant()
                Ids = [ "x-oss-request-id" ]
                Marks = [ "x-oss-hash-crc64ecma", xz; "Content-MD5", md5 ]
        }
        "TencentCos",
        {
            amazon with
                Dialect = Dialect.TencentCos
                Ids = [ "x-cos-request-id" ]
                Marks = [ "x-cos-hash-crc64ecma", xz ]
        }
        "OracleObjectStorage",
        {
            amazon with
                Dialect = Dialect.OracleObjectStorage
                ETag = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
                IsETagMd5 = false
                Ids = [ "opc-request-id" ]
                Marks = [ "opc-content-md5", md5 ]
        }
    ]

let private serving (dialect: Dialect) =
    LoopbackS3Server.StartAsync(
        LoopbackS3Options(
            Dialect = dialect,
            TimeProvider = clock,
            Buckets = [| Bucket "evidence"; Bucket("locked", RequireContentMd5 = true) |]
        )
    )

let private blob = "x-ms-blob-type", "BlockBlob"

let private upload server bucket = put server bucket "k" body [ blob ]

/// Those that every response has.
let private common = [ "ETag"; "Server"; "Date"; "Content-Length"; "Content-Type" ]

let private marks (ids: string list) (reply: Reply) =
    reply.Headers
    |> Seq.map (|KeyValue|)
    |> Seq.filter (fun (name, _) ->
        common @ ids
        |> List.exists (fun other -> other.Equals(name, StringComparison.OrdinalIgnoreCase))
        |> not)
    |> Seq.toList

let private inQuery (server: LoopbackS3Server) bucket (parameters: (string * string) list) =
    let url = server.Presign("PUT", bucket, "k", query = Dictionary(dict parameters))
    send (request "PUT" url (Some body) [ blob ])

let private emptyBodys = [ "x-amz-checksum-crc32", "AAAAAA=="; "x-amz-sdk-checksum-algorithm", "CRC32" ]

let private ofEachDialect =
    testList "each" [
        for KeyValue(name, expected) in table do
            testCaseTask $"{name} returns its marks for an upload without a checksum" (fun () ->
                task {
                    use! server = serving expected.Dialect
                    let! reply = upload server "evidence"
                    Expect.equal reply.Status expected.Status reply.Text
                    Expect.isTrue (Regex.IsMatch(reply.Header "ETag", $"^{expected.ETag}$")) "ETag"
                    Expect.equal (reply.Header "ETag" = md5ETag) (expected.ETag = md5ETag) "an MD5 or not"
                    Expect.equal (List.sort (marks expected.Ids reply)) (List.sort expected.Marks) "marks"
                    let stored = server.Objects[struct ("evidence", "k")]

                    Expect.equal
                        (stored.Md5, stored.ETag)
                        (hex (MD5.HashData body), reply.Header "ETag")
                        "stored"
                })

            testCaseTask $"{name} identifies each request in its own headers" (fun () ->
                task {
                    use! server = serving expected.Dialect
                    let! one = upload server "evidence"
                    let! refused = put server "evidence" "k" body [ "x-amz-meta-a", "1" ]
                    Expect.equal refused.Status 403 refused.Text

                    for id in expected.Ids do
                        Expect.notEqual (one.Header id) "" id
                        Expect.notEqual (one.Header id) (refused.Header id) id

                    for id in amazonIds do
                        Expect.equal (refused.Headers.ContainsKey id) (List.contains id expected.Ids) id
                })

            testCaseTask $"{name} verifies a checksum that was sent as a header" (fun () ->
                task {
                    use! server = serving expected.Dialect

                    for value, status in [ "AAAAAA==", 400; "y/Q5Jg==", expected.Status ] do
                        let headers = [ "x-amz-checksum-crc32", value ]
                        let url = server.Presign("PUT", "evidence", "k", headers = Dictionary(dict headers))
                        let! reply = send (request "PUT" url (Some body) (blob :: headers))
                        Expect.equal reply.Status status reply.Text
                })

            testCaseTask $"{name} enforces a checksum in the query: {expected.EnforcesQuery}" (fun () ->
                task {
                    use! server = serving expected.Dialect
                    let! wrong = inQuery server "evidence" emptyBodys

                    if expected.EnforcesQuery then
                        Expect.equal (wrong.Status, wrong.Code) (400, "BadDigest") wrong.Text
                    else
                        Expect.equal wrong.Status expected.Status wrong.Text
                        Expect.isFalse (wrong.Headers.ContainsKey "x-amz-checksum-crc32") "no echo"

                    let! right = inQuery server "evidence" [ "X-Amz-Checksum-Crc32", "y/Q5Jg==" ]
                    Expect.equal right.Status expected.Status right.Text
                })

            testCaseTask $"{name} with Object Lock does not count a checksum of its own" (fun () ->
                task {
                    use! server = serving expected.Dialect
                    let! without = upload server "locked"
                    Expect.equal (without.Status, without.Code) (400, "InvalidRequest") without.Text

                    Expect.equal
                        (without.Element "Message")
                        ("Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests"
                         + " with Object Lock parameters")
                        "message"

                    let! unsigned = inQuery server "locked" [ "x-amz-checksum-crc32", "y/Q5Jg==" ]

                    let isEnough = if expected.EnforcesQuery then expected.Status else 400
                    Expect.equal unsigned.Status isEnough "a checksum in the query"
                    let! digest = put server "locked" "k" body [ blob; "Content-MD5", md5 ]
                    Expect.equal digest.Status expected.Status digest.Text
                })

            testCaseTask $"{name} returns the marks of an object with HEAD" (fun () ->
                task {
                    use! server = serving expected.Dialect
                    let! put = upload server "evidence"
                    let mode = [ "x-amz-checksum-mode", "ENABLED" ]
                    let url = server.Presign("HEAD", "evidence", "k", headers = Dictionary(dict mode))
                    let! head = send (request "HEAD" url None mode)
                    Expect.equal (head.Header "ETag") (put.Header "ETag") "ETag"
                    Expect.equal (List.sort (marks expected.Ids head)) (List.sort expected.Marks) "marks"
                })

            testCaseTask $"{name} returns checksums that are wrong by one bit, if told to" (fun () ->
                task {
                    use! server = serving expected.Dialect
                    server.Misbehave("evidence", "k", Fault.WrongChecksums)
                    let! reply = upload server "evidence"

                    let isChecksum (name: string) =
                        not (name.Contains "type" || name.Contains "encryption")

                    for header, right in expected.Marks do
                        Expect.equal (reply.Header header = right) (not (isChecksum header)) header

                    if expected.IsETagMd5 then
                        Expect.isTrue (Regex.IsMatch(reply.Header "ETag", $"^{expected.ETag}$")) "ETag"

                    let! next = upload server "evidence"
                    Expect.equal (List.sort (marks expected.Ids next)) (List.sort expected.Marks) "the next"
                })
    ]

let private ofSome =
    testList "some" [
        testCase "the table has all dialects" (fun () ->
            Expect.equal (Set.ofSeq Dialect.All.Keys) (Set.ofSeq table.Keys) "names"

            for KeyValue(name, dialect) in Dialect.All do
                Expect.isTrue (obj.ReferenceEquals(dialect, table[name].Dialect)) name)

        testCaseTask "the default is the plain MD5" (fun () ->
            task {
                use! server = start ()
                let! reply = upload server "evidence"
                Expect.equal (marks amazonIds reply) [] "marks"
            })

        testCaseTask "a bucket may have a dialect of its own" (fun () ->
            task {
                use! server =
                    LoopbackS3Server.StartAsync(
                        LoopbackS3Options(
                            Buckets = [| Bucket "evidence"; Bucket("r2", Dialect = Dialect.CloudflareR2) |],
                            Dialect = Dialect.TencentCos,
                            TimeProvider = clock
                        )
                    )

                let! one = upload server "evidence"
                let! two = upload server "r2"
                Expect.equal (marks [ "x-cos-request-id" ] one) table["TencentCos"].Marks "the server's"
                Expect.equal (marks [ "cf-ray" ] two) table["CloudflareR2"].Marks "the bucket's"
            })

        for name, lines in
            [
                "GoogleCloudStorage", [ $"x-goog-hash: crc32c={crc32c},md5={md5}" ]
                "GoogleCloudStorageTwoLines", [ $"x-goog-hash: crc32c={crc32c}"; $"x-goog-hash: md5={md5}" ]
            ] do
            testCaseTask $"{name} has {lines.Length} of x-goog-hash on the wire" (fun () ->
                task {
                    use! server = serving table[name].Dialect
                    use wire = new Wire(server)
                    wire.Head("PUT", server.Presign("PUT", "evidence", "k"), [ "Content-Length: 9" ])
                    wire.Send body

                    let sent =
                        wire.Receive().Split "\r\n"
                        |> Array.filter (fun line -> line.StartsWith "x-goog-hash")

                    Expect.sequenceEqual sent lines "lines"
                })

        for name in [ "AmazonS3"; "AmazonS3Kms"; "CloudflareR2"; "MinIO"; "SeaweedFS"; "PlainMd5" ] do
            testCaseTask $"{name} returns the checksum that was sent in place of its own" (fun () ->
                task {
                    let expected = table[name]
                    use! server = serving expected.Dialect
                    let headers = [ "x-amz-checksum-crc32", "y/Q5Jg==" ]
                    let url = server.Presign("PUT", "evidence", "k", headers = Dictionary(dict headers))
                    let! reply = send (request "PUT" url (Some body) headers)
                    Expect.equal (reply.Header "x-amz-checksum-crc32") "y/Q5Jg==" "the one that was sent"
                    Expect.isFalse (reply.Headers.ContainsKey "x-amz-checksum-crc64nvme") "no other"

                    let isTyped = expected.Marks |> List.exists (fun (name, _) -> name.EndsWith "-type")
                    Expect.equal (reply.Headers.ContainsKey "x-amz-checksum-type") isTyped "type"
                })

        for headers, code, elements in
            [
                [], "MissingRequiredHeader", [ "HeaderName", "x-ms-blob-type" ]
                [ "x-ms-blob-type", "PageBlob" ],
                "InvalidHeaderValue",
                [ "HeaderName", "x-ms-blob-type"; "HeaderValue", "PageBlob" ]
            ] do
            testCaseTask $"AzureBlob without a block blob is {code}, before the body" (fun () ->
                task {
                    use! server = serving Dialect.AzureBlob
                    let! reply = put server "evidence" "k" body headers
                    Expect.equal (reply.Status, reply.Code) (400, code) reply.Text
                    Expect.equal [ for name, _ in elements -> name, reply.Element name ] elements "elements"
                    Expect.equal server.Requests[0].BodyBytes 0L "no byte is read"
                })
    ]

let private bits (text: string) =
    Convert.FromBase64String text |> Array.toList

/// The number of bits in which two values differ.
let private difference one other =
    List.map2 (fun (a: byte) b -> Numerics.BitOperations.PopCount(uint32 (a ^^^ b))) (bits one) (bits other)
    |> List.sum

let private composite = [
    // suffix, type; value, type
    (true, true), (nvme + "-1", "COMPOSITE")
    (true, false), (nvme + "-1", "FULL_OBJECT")
    (false, true), (nvme, "COMPOSITE")
]

let private faults =
    testList "faults" [
        testCaseTask "a wrong checksum differs by one bit, and the object is stored as it was sent" (fun () ->
            task {
                use! server = serving Dialect.AmazonS3Kms
                server.Misbehave("evidence", "k", Fault.WrongChecksum Digest.Crc64Nvme)
                let! reply = upload server "evidence"
                Expect.equal (difference (reply.Header "x-amz-checksum-crc64nvme") nvme) 1 "bits"
                let stored = server.Objects[struct ("evidence", "k")]
                Expect.equal stored.Bytes body "bytes"
                let marks = [ for mark in stored.Marks -> mark.Key, mark.Value ]
                Expect.contains marks ("x-amz-checksum-crc64nvme", nvme) "what HEAD returns"
            })

        testCaseTask "of two checksums one can be wrong" (fun () ->
            task {
                for dialect in [ Dialect.GoogleCloudStorage; Dialect.GoogleCloudStorageTwoLines ] do
                    use! server = serving dialect

                    server.Misbehave(
                        "evidence",
                        "k",
                        Fault.WrongChecksum Digest.Crc32C,
                        Fault.WrongChecksum Digest.Md5
                    )

                    let! one = upload server "evidence"
                    let! two = upload server "evidence"

                    let hash (reply: Reply) i =
                        let pair = (reply.Header "x-goog-hash").Split(',')[i]
                        pair.Substring(pair.IndexOf '=' + 1)

                    Expect.equal (hash one 1) md5 "MD5 is right"
                    Expect.equal (difference (hash one 0) crc32c) 1 "CRC-32C is wrong"
                    Expect.equal (hash two 0) crc32c "CRC-32C is right"
                    Expect.equal (difference (hash two 1) md5) 1 "MD5 is wrong"
                    Expect.equal (two.Header "ETag") md5ETag "the ETag is right"
            })

        for (suffix, kind), expected in composite do
            testCaseTask $"a composite checksum, suffix: {suffix}, type: {kind}" (fun () ->
                task {
                    use! server = serving Dialect.AmazonS3
                    server.Misbehave("evidence", "k", Fault.CompositeChecksum(suffix, kind))
                    let! reply = upload server "evidence"

                    let got =
                        reply.Header "x-amz-checksum-crc64nvme", reply.Header "x-amz-checksum-type"

                    Expect.equal got expected "value, type"
                })

        testCaseTask "a reply without a checksum stays as it is" (fun () ->
            task {
                use! server = serving Dialect.MinIO
                server.Misbehave("evidence", "k", Fault.CompositeChecksum(), Fault.WrongChecksums)

                for _ in 1..2 do
                    let! reply = upload server "evidence"
                    Expect.equal (reply.Status, reply.Header "ETag") (200, md5ETag) "reply"
                    Expect.equal (marks amazonIds reply) [] "marks"
            })
    ]

[<Tests>]
let tests = testList "dialects" [ ofEachDialect; ofSome; faults ]
