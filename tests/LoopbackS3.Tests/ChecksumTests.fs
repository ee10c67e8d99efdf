/// The checksums that a client sends: verified, returned, kept with the object.
module ChecksumTests

open System
open System.Collections.Generic
open System.Security.Cryptography
open Expecto
open LoopbackS3
open Client

let private body = bytes "hello world"

let private crc (create: unit -> Crc) (data: byte[]) =
    let crc = create ()
    crc.Append data
    crc.ToBytes()

/// Each header with the digest that it carries.
let private algorithms: (string * (byte[] -> byte[])) list = [
    "crc32", crc Crc.Crc32
    "crc32c", crc Crc.Crc32C
    "crc64nvme", crc Crc.Crc64Nvme
    "sha1", SHA1.HashData
    "sha256", SHA256.HashData
]

let private base64 (data: byte[]) = Convert.ToBase64String data

let private asHeader name = $"x-amz-checksum-{name}"

/// An upload of `body` whose URL signs the headers, and that sends them.
let private signed (server: LoopbackS3Server) bucket headers =
    let url = server.Presign("PUT", bucket, "k", headers = Dictionary(dict headers))

    send (request "PUT" url (Some body) headers)

let private expectRefusal (server: LoopbackS3Server) (code, message) (reply: Reply) =
    Expect.equal (reply.Status, reply.Code, reply.Element "Message") (400, code, message) reply.Text
    Expect.isEmpty server.Objects "nothing is stored"

let private invalid = "InvalidRequest"

[<Tests>]
let tests =
    testList "checksums" [
        for name, digest in algorithms do
            let header = asHeader name

            testCaseTask $"{header} of the body is returned, and stored with the object" (fun () ->
                task {
                    use! server = start ()
                    let! reply = signed server "evidence" [ header, base64 (digest body) ]
                    Expect.equal (reply.Status, reply.Header header) (200, base64 (digest body)) reply.Text
                    let stored = server.Objects[struct ("evidence", "k")]
                    let marks = [ for mark in stored.Marks -> mark.Key, mark.Value ]
                    Expect.equal marks [ header, base64 (digest body) ] "marks"
                })

            testCaseTask $"{header} of another body is BadDigest and stores nothing" (fun () ->
                task {
                    use! server = start ()

                    let! reply =
                        signed server "evidence" [ header, base64 (digest (bytes "hello worle")) ]

                    let message =
                        $"The {name.ToUpperInvariant()} you specified did not match the calculated checksum."

                    expectRefusal server ("BadDigest", message) reply
                })

            testCaseTask
                $"{header} that is not Base64 of the digest's length is refused before the body"
                (fun () ->
                    task {
                        use! server = start ()
                        let right = base64 (digest body)

                        for value in
                            [
                                "rubbish"
                                right.TrimEnd '='
                                right + "-1"
                                base64 (Array.append (digest body) [| 0uy |])
                                base64 (Array.tail (digest body))
                                hex (digest body)
                            ] do
                            let! reply = signed server "evidence" [ header, value ]
                            expectRefusal server (invalid, $"Value for {header} header is invalid.") reply

                        Expect.all server.Requests (fun seen -> seen.BodyBytes = 0L) "no byte is read"
                    })

            testCaseTask $"{header} outside of X-Amz-SignedHeaders is refused by name" (fun () ->
                task {
                    use! server = start ()
                    let! reply = put server "evidence" "k" body [ header, base64 (digest body) ]
                    Expect.equal (reply.Status, reply.Code) (403, "AccessDenied") reply.Text
                    Expect.equal (reply.Element "HeadersNotSigned") header "header"
                })

            testCaseTask $"a signed {header} that is not sent is SignatureDoesNotMatch" (fun () ->
                task {
                    use! server = start ()
                    let headers = Dictionary(dict [ header, base64 (digest body) ])
                    let url = server.Presign("PUT", "evidence", "k", headers = headers)
                    let! reply = send (request "PUT" url (Some body) [])
                    Expect.equal (reply.Status, reply.Code) (403, "SignatureDoesNotMatch") reply.Text
                })

            testCaseTask $"a signed {header} satisfies Object Lock" (fun () ->
                task {
                    use! server = start ()
                    let! reply = signed server "locked" [ header, base64 (digest body) ]
                    Expect.equal reply.Status 200 reply.Text
                })

        testCaseTask "two checksums are refused, be they right" (fun () ->
            task {
                use! server = start ()

                let two = [
                    for name, digest in List.take 2 algorithms -> asHeader name, base64 (digest body)
                ]

                let! reply = signed server "evidence" two

                let message =
                    "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."

                expectRefusal server (invalid, message) reply
            })

        testCaseTask "a checksum of an unknown algorithm is refused" (fun () ->
            task {
                use! server = start ()
                let! reply = signed server "evidence" [ "x-amz-checksum-crc16", "AAA=" ]

                expectRefusal
                    server
                    (invalid, "The algorithm type you specified in x-amz-checksum- header is invalid.")
                    reply
            })

        testCaseTask "x-amz-sdk-checksum-algorithm without a value is refused" (fun () ->
            task {
                use! server = start ()
                let! reply = signed server "evidence" [ "x-amz-sdk-checksum-algorithm", "CRC32" ]

                let message =
                    "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-*"
                    + " or x-amz-trailer headers were found."

                expectRefusal server (invalid, message) reply
            })

        testCaseTask "x-amz-sdk-checksum-algorithm has to name the algorithm of the value" (fun () ->
            task {
                use! server = start ()

                let upload algorithm =
                    signed server "evidence" [
                        "x-amz-sdk-checksum-algorithm", algorithm
                        "x-amz-checksum-crc32", "DUoRhQ=="
                    ]

                let! reply = upload "SHA256"

                expectRefusal
                    server
                    (invalid, "Value for x-amz-sdk-checksum-algorithm header is invalid.")
                    reply

                let! right = upload "CRC32"
                Expect.equal right.Status 200 right.Text
            })

        testCaseTask "the type of a checksum is not taken for a checksum" (fun () ->
            task {
                use! server = start ()
                let headers = [ "x-amz-checksum-type", "FULL_OBJECT"; "x-amz-checksum-crc32", "DUoRhQ==" ]
                let! reply = signed server "evidence" headers
                Expect.equal reply.Status 200 reply.Text
            })

        testCaseTask "Content-MD5 and a checksum are both verified" (fun () ->
            task {
                use! server = start ()

                for content, other in [ body, bytes "x"; bytes "x", body ] do
                    let! reply =
                        signed server "evidence" [
                            "Content-MD5", base64 (MD5.HashData content)
                            "x-amz-checksum-sha1", base64 (SHA1.HashData other)
                        ]

                    Expect.equal (reply.Status, reply.Code) (400, "BadDigest") reply.Text
            })

        testCaseTask "the checksum of what was stored is returned, not of what was sent" (fun () ->
            task {
                use! server = start ()
                server.Misbehave("evidence", "k", Fault.Corrupt)
                let! reply = signed server "evidence" [ "x-amz-checksum-crc32", "DUoRhQ==" ]
                let flipped = Array.append [| body[0] ^^^ 1uy |] body[1..]
                let expected = 200, base64 (crc Crc.Crc32 flipped)
                Expect.equal (reply.Status, reply.Header "x-amz-checksum-crc32") expected reply.Text
            })

        for verb in [ "GET"; "HEAD" ] do
            testCaseTask $"{verb} returns the checksum only with x-amz-checksum-mode: ENABLED" (fun () ->
                task {
                    use! server = start ()
                    let! _ = signed server "evidence" [ "x-amz-checksum-crc32", "DUoRhQ==" ]
                    let mode = [ "x-amz-checksum-mode", "ENABLED" ]
                    let silent = server.Presign(verb, "evidence", "k")

                    let asHeader =
                        server.Presign(verb, "evidence", "k", headers = Dictionary(dict mode))

                    let inQuery = server.Presign(verb, "evidence", "k", query = Dictionary(dict mode))

                    for url, headers, isReturned in
                        [ silent, [], false; asHeader, mode, true; inQuery, [], true ] do
                        let! reply = send (request verb url None headers)
                        let has = reply.Headers.Contains(KeyValuePair("x-amz-checksum-crc32", "DUoRhQ=="))
                        Expect.equal (reply.Status, has) (200, isReturned) url
                        Expect.equal (reply.Headers.ContainsKey "x-amz-checksum-crc32") isReturned url
                })
    ]
