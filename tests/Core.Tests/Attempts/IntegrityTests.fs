module CellOS.Export.S3.Core.Tests.IntegrityTests

open System
open System.Collections.Generic
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators

/// The digests of `hello world`.
let private ours =
    [
        DigestAlgorithm.Sha256, "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"
        DigestAlgorithm.Md5, "5eb63bbbe01eeed093cb22bb8f5acdc3"
        DigestAlgorithm.Crc64Nvme, "8d29d5c3f6ea8ebe"
        DigestAlgorithm.Crc64Xz, "53037ecdef2352da"
        DigestAlgorithm.Crc32C, "c99465aa"
        DigestAlgorithm.Crc32, "0d4a1185"
        DigestAlgorithm.Sha1, "2aae6c35c94fcfb415dbe95f408b9ce91ee846ed"
    ]
    |> List.map (fun (algorithm, hex) -> Digest.tryParseHex algorithm hex |> Option.get)

let private our (algorithm: DigestAlgorithm) =
    ours |> List.find (fun digest -> digest.Algorithm = algorithm)

let sentWith (digests: Digest list) = {
    Bytes = 11L
    Sha256 = our DigestAlgorithm.Sha256
    Others = digests |> List.filter (fun digest -> not digest.Algorithm.IsSha256)
}

let sent = sentWith ours

let private withoutMd5 =
    sentWith (ours |> List.filter (fun digest -> not digest.Algorithm.IsMd5))

let private md5 = (our DigestAlgorithm.Md5).Hex
let private otherMd5 = String('0', 32)
let sha256 = (our DigestAlgorithm.Sha256).Base64
let private otherSha256 = Convert.ToBase64String(Array.zeroCreate 32)

/// A success of a store with these headers.
let private reply (headers: (string * string) list) =
    let headers = ("x-amz-request-id", "R1") :: headers

    Reply.read
        200
        [ for name, value in headers -> KeyValuePair(name, value) ]
        ReadOnlyMemory.Empty
        BodyEnd.Whole
        None

let private confirmed confirmation = IntegrityVerdict.Confirmed confirmation
let private etagMd5 = confirmed Confirmation.ETagMd5
let private contentMd5 = confirmed Confirmation.ContentMd5
let private unverified = confirmed Confirmation.Unverified
let private bySha256 = confirmed Confirmation.ChecksumSha256
let private byNvme = confirmed Confirmation.ChecksumCrc64Nvme
let private byXz = confirmed Confirmation.ChecksumCrc64Xz
let private byCrc32C = confirmed Confirmation.ChecksumCrc32C
let private mismatch = IntegrityVerdict.Mismatch
let private wrongTag = mismatch "ETag"

let private tags = [
    [], unverified
    [ "ETag", $"\"{md5}\"" ], etagMd5
    [ "ETag", md5 ], etagMd5
    [ "ETag", $"W/\"{md5}\"" ], etagMd5
    [ "ETag", $" \"{md5.ToUpperInvariant()}\" " ], etagMd5
    [ "ETag", $"\"{md5}-gzip\"" ], etagMd5
    [ "ETag", $"\"{md5}\"-gzip" ], etagMd5
    [ "ETag", $"\"{md5}\""; "ETag", $"\"{md5}\"" ], etagMd5
    // Several ETags confirm nothing.
    [ "ETag", $"\"{md5}\""; "ETag", md5 ], unverified
    [ "ETag", "\"aa\""; "ETag", $"\"{md5}\"" ], unverified
    [ "ETag", $"\"aa\", \"{md5}\"" ], unverified
    [ "ETag", $"\"{otherMd5}\"" ], wrongTag
    [ "ETag", otherMd5 ], wrongTag
    [ "ETag", $"W/\"{otherMd5}\"" ], wrongTag
    [ "ETag", $"\"{otherMd5}-gzip\"" ], wrongTag
    [ "ETag", $"\"{md5}\""; "ETag", $"\"{otherMd5}\"" ], wrongTag
    [ "ETag", $"\"{otherMd5}\""; "ETag", $"\"{md5}\"" ], wrongTag
    [ "ETag", $"\"{md5}-1\"" ], unverified
    [ "ETag", $"\"{otherMd5}-1\"" ], unverified
    [ "ETag", $"\"{md5}-2\"" ], unverified
    [ "ETag", $"\"{md5.Substring 1}\"" ], unverified
    [ "ETag", "\"\"" ], unverified
    [ "ETag", $"\"a,{otherMd5}\"" ], unverified
    [ "ETag", String('g', 32) ], unverified
]

/// Encryption that is not Amazon's own, after which an ETag need not be an MD5.
let private encryptions = [
    "x-amz-server-side-encryption", "aws:kms"
    "x-amz-server-side-encryption", "AWS:KMS"
    "x-amz-server-side-encryption", "aws:kms:dsse"
    "x-amz-server-side-encryption", "aws:fsx"
    "x-amz-server-side-encryption-customer-algorithm", "AES256"
    "x-oss-server-side-encryption", "KMS"
    "x-cos-server-side-encryption", "cos/kms"
    "x-cos-server-side-encryption-customer-algorithm", "AES256"
    "x-obs-server-side-encryption", "kms"
    "x-obs-server-side-encryption", "AES256"
    "x-obs-server-side-encryption-customer-algorithm", "AES256"
    "x-goog-encryption-kms-key-name", "projects/p/locations/l/keyRings/r/cryptoKeys/k"
    "x-goog-encryption-algorithm", "AES256"
]

let private checksums = [
    [ "x-amz-checksum-sha256", sha256 ], bySha256
    [ "x-amz-checksum-sha256", $" {sha256} " ], bySha256
    [ "x-amz-checksum-sha256", sha256.TrimEnd '=' ], bySha256
    [ "x-amz-checksum-sha256", (our DigestAlgorithm.Sha256).Hex ], bySha256
    [ "X-Amz-Checksum-SHA256", sha256 ], bySha256
    [ "x-amz-checksum-sha256", $"\"{sha256}\"" ], bySha256
    [ "x-amz-checksum-sha256", $"\"{otherSha256}\"" ], mismatch "x-amz-checksum-sha256"
    [ "x-amz-checksum-sha256", $"{sha256}, \"{otherSha256}\"" ], mismatch "x-amz-checksum-sha256"
    [ "x-amz-checksum-sha256", otherSha256 ], mismatch "x-amz-checksum-sha256"
    [ "x-amz-checksum-sha256", otherSha256.TrimEnd '=' ], mismatch "x-amz-checksum-sha256"
    [ "x-amz-checksum-sha256", String('0', 64) ], mismatch "x-amz-checksum-sha256"
    [ "x-amz-checksum-sha256", sha256.ToLowerInvariant() ], mismatch "x-amz-checksum-sha256"
    [ "x-amz-checksum-sha256", sha256; "x-amz-checksum-sha256", otherSha256 ],
    mismatch "x-amz-checksum-sha256"
    [ "x-amz-checksum-sha256", otherSha256; "ETag", md5 ], mismatch "x-amz-checksum-sha256"
    [ "x-amz-checksum-sha256", sha256; "ETag", otherMd5 ], wrongTag
    [ "x-amz-checksum-sha256", "junk" ], unverified
    [ "x-amz-checksum-sha256", sha256 + "-2" ], unverified
    [ "x-amz-checksum-sha256", otherSha256 + "-2" ], unverified
    [ "x-amz-checksum-sha256", otherSha256; "x-amz-checksum-type", "COMPOSITE" ], unverified
    [ "x-amz-checksum-sha256", sha256; "x-amz-checksum-type", "FULL_OBJECT" ], bySha256
    [ "x-amz-checksum-crc64nvme", "jSnVw/bqjr4=" ], byNvme
    [
        "x-amz-checksum-crc64nvme", "jSnVw/bqjr4="
        "x-amz-checksum-type", "FULL_OBJECT"
    ],
    byNvme
    // Little-endian.
    [ "x-amz-checksum-crc64nvme", "vo7q9sPVKY0=" ], mismatch "x-amz-checksum-crc64nvme"
    // CRC-64/XZ.
    [ "x-amz-checksum-crc64nvme", "UwN+ze8jUto=" ], mismatch "x-amz-checksum-crc64nvme"
    [ "x-amz-checksum-crc64nvme", "JSnVw/bqjr4=" ], mismatch "x-amz-checksum-crc64nvme"
    [ "x-amz-checksum-crc64nvme", "jSnVw/bqjr4="; "ETag", $"\"{md5}\"" ], etagMd5
    [ "x-amz-checksum-crc32c", "yZRlqg==" ], byCrc32C
    [ "x-amz-checksum-crc32c", "DUoRhQ==" ], mismatch "x-amz-checksum-crc32c"
    [ "x-amz-checksum-crc32", "DUoRhQ==" ], confirmed Confirmation.ChecksumCrc32
    [ "x-amz-checksum-crc32", "hRFKDQ==" ], mismatch "x-amz-checksum-crc32"
    [ "x-amz-checksum-sha1", "Kq5sNclPz7QV2+lfQIuc6R7oRu0=" ], confirmed Confirmation.ChecksumSha1
    [ "x-amz-checksum-sha1", "2jmj7l5rSw0yVb/vlWAYkK/YBwk=" ], mismatch "x-amz-checksum-sha1"
    [ "x-goog-hash", "crc32c=yZRlqg==,md5=XrY7u+Ae7tCTyyK7j1rNww==" ], contentMd5
    [
        "x-goog-hash", "crc32c=yZRlqg=="
        "x-goog-hash", "md5=XrY7u+Ae7tCTyyK7j1rNww=="
    ],
    contentMd5
    [ "x-goog-hash", "crc32c=yZRlqg==" ], byCrc32C
    [ "x-goog-hash", "CRC32C = yZRlqg==" ], byCrc32C
    [ "x-goog-hash", "crc32c=yZRlqg==,md5=1B2M2Y8AsgTpgAmY7PhCfg==" ], mismatch "x-goog-hash"
    [ "x-goog-hash", "crc32c=AAAAAA==,md5=XrY7u+Ae7tCTyyK7j1rNww==" ], mismatch "x-goog-hash"
    [ "x-goog-hash", "crc64=yZRlqg==" ], unverified
    [ "x-oss-hash-crc64ecma", "5981764153023615706" ], byXz
    [ "x-cos-hash-crc64ecma", "5981764153023615706" ], byXz
    [ "x-oss-hash-crc64ecma", "5981764153023615707" ], mismatch "x-oss-hash-crc64ecma"
    // CRC-64/NVME.
    [ "x-cos-hash-crc64ecma", "10171896271030881982" ], mismatch "x-cos-hash-crc64ecma"
    [ "x-oss-hash-crc64ecma", "-1" ], unverified
    [ "Content-MD5", "XrY7u+Ae7tCTyyK7j1rNww==" ], contentMd5
    [ "Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg==" ], mismatch "content-md5"
    [ "opc-content-md5", "XrY7u+Ae7tCTyyK7j1rNww==" ], contentMd5
    [ "opc-content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==" ], mismatch "opc-content-md5"
    [ "Content-MD5", "XrY7u+Ae7tCTyyK7j1rNww=="; "ETag", "\"0x8D4BCC2E4835CD0\"" ], contentMd5
    [ "x-amz-checksum-md5", otherSha256 ], unverified
    [ "x-amz-checksum-md5", "XrY7u+Ae7tCTyyK7j1rNww==" ], contentMd5
    [ "x-amz-checksum-md5", "AAAAAAAAAAAAAAAAAAAAAA==" ], mismatch "x-amz-checksum-md5"
    [
        "x-amz-checksum-type", "COMPOSITE, FULL_OBJECT"
        "x-amz-checksum-sha256", otherSha256
    ],
    mismatch "x-amz-checksum-sha256"
    [ "x-amz-checksum-algorithm", "CRC32" ], unverified
    [ "Repr-Digest", $"sha-256=:{sha256}:" ], bySha256
    [ "Repr-Digest", $"sha-256=:{otherSha256}:" ], mismatch "repr-digest"
    [ "Content-Digest", $"sha-512=:AAAA:, md5=:XrY7u+Ae7tCTyyK7j1rNww==:" ], contentMd5
    [ "Content-Digest", $"sha-256=:{otherSha256}:" ], mismatch "content-digest"
    [ "Digest", $"SHA-256={otherSha256}" ], mismatch "digest"
    // Of the empty response.
    [ "Content-Digest", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:" ], unverified
    [ "Repr-Digest", "sha-512=:AAAA:" ], unverified
]

let verify = IntegrityTerms.ofMode IntegrityMode.Verify

let verdict terms sent headers =
    Integrity.verdict terms (reply headers) sent

/// The response's digests that were taken for a comparison, and those of a store's dialect that equal ours or not.
let private reported =
    let header (digest: Digest) =
        match digest.Algorithm with
        | DigestAlgorithm.Md5 -> "content-md5", digest.Base64
        | DigestAlgorithm.Crc64Xz ->
            "x-oss-hash-crc64ecma",
            Convert.ToUInt64(digest.Hex, 16).ToString(Globalization.CultureInfo.InvariantCulture)
        | algorithm -> $"x-amz-checksum-{algorithm.Name}", digest.Base64

    gen {
        let! isOurs = Gen.frequency [ 4, Gen.constant true; 1, Gen.constant false ]
        let! digest = Gen.elements (if isOurs then ours else Outcomes.otherDigests)
        return header digest, isOurs
    }

/// Texts that are not a digest.
let private junk =
    anyText
    |> Gen.filter (fun text ->
        not (Seq.forall Char.IsAsciiHexDigit text)
        && (Digest.tryParse DigestAlgorithm.Sha256 text).IsNone)

[<Tests>]
let tests =
    testList "Integrity" [
        table
            "an ETag of 32 hexadecimal digits is the MD5, or the object is another"
            tags
            (fun (headers, _) -> verdict verify sent headers)
            snd

        table
            "every checksum that a store reports is compared"
            checksums
            (fun (headers, _) -> verdict verify sent headers)
            snd

        table
            "an ETag of an object that is encrypted otherwise confirms, but cannot contradict"
            encryptions
            (fun encryption ->
                let keyed = { verify with HasCustomerKey = true }

                verdict keyed sent [ "ETag", md5; encryption ],
                verdict keyed sent [ "ETag", otherMd5; encryption ],
                verdict keyed sent [
                    "ETag", otherMd5
                    encryption
                    "Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="
                ])
            (fun _ -> etagMd5, unverified, mismatch "content-md5")

        table
            "an encryption with the customer's key is believed only if the request had a key"
            (encryptions
             |> List.filter (fun (name, _) ->
                 name.EndsWith "customer-algorithm" || name = "x-goog-encryption-algorithm"))
            (fun encryption -> verdict verify sent [ "ETag", otherMd5; encryption ])
            (fun _ -> wrongTag)

        table
            "an ETag is an MD5 unless a known encryption with another key is stated"
            [
                "x-amz-server-side-encryption", "AES256"
                "x-amz-server-side-encryption", "AES256, AES256"
                "x-amz-server-side-encryption", "NONE"
                "x-amz-server-side-encryption", "aws:kms, AES256"
                "x-amz-server-side-encryption-customer-algorithm", "none"
                "x-cos-server-side-encryption", "NONE"
                "x-oss-server-side-encryption", "off"
                "x-goog-encryption-kms-key-name", "none"
                "x-goog-encryption-algorithm", "NONE"
            ]
            (fun encryption -> verdict verify sent [ "ETag", otherMd5; encryption ])
            (fun _ -> wrongTag)

        testCase
            "a digest that was known without the content confirms only beside a store's request id"
            (fun () ->
                let unmarked headers =
                    Reply.read
                        200
                        [ for name, value in headers -> KeyValuePair(name, value) ]
                        ReadOnlyMemory.Empty
                        BodyEnd.Whole
                        None

                let nothing = { sentWith [] with Bytes = 0L }

                let ofNothing = {
                    nothing with
                        Sha256 =
                            Digest.tryParseHex
                                DigestAlgorithm.Sha256
                                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
                            |> Option.get
                        Others = [
                            Digest.ofEmptyContent DigestAlgorithm.Md5
                            Digest.ofEmptyContent DigestAlgorithm.Crc64Xz
                        ]
                }

                let emptySha256 = ofNothing.Sha256.Base64

                let requestId = "x-amz-request-id", "R1"
                let emptyTag = "ETag", "\"d41d8cd98f00b204e9800998ecf8427e\""
                let emptyMd5 = "Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="
                let sha256 = "x-amz-checksum-sha256", sha256

                let giving = {
                    verify with
                        Given = [ our DigestAlgorithm.Sha256 ]
                }

                for terms, headers, sent, expected in
                    [
                        verify, [ emptyTag ], ofNothing, unverified
                        verify, [ "ETag", "W/\"d41d8cd98f00b204e9800998ecf8427e\"" ], ofNothing, unverified
                        verify,
                        [ "ETag", "\"d41d8cd98f00b204e9800998ecf8427e-gzip\"" ],
                        ofNothing,
                        unverified
                        verify, [ "x-amz-checksum-sha256", emptySha256 ], ofNothing, unverified
                        verify, [ "x-amz-checksum-md5", "1B2M2Y8AsgTpgAmY7PhCfg==" ], ofNothing, unverified
                        verify, [ "x-goog-hash", "md5=1B2M2Y8AsgTpgAmY7PhCfg==" ], ofNothing, unverified
                        verify, [ "x-oss-hash-crc64ecma", "0" ], ofNothing, unverified
                        // An id that other services set, too, needs another mark.
                        verify, [ emptyTag; "x-trans-id", "tx1" ], ofNothing, unverified
                        verify, [ emptyMd5; "x-ms-request-id", "1" ], ofNothing, unverified
                        verify,
                        [ emptyMd5; "x-ms-request-id", "1"; "ETag", "\"0x8D4BCC2E4835CD0\"" ],
                        ofNothing,
                        contentMd5
                        verify, [ emptyTag; requestId ], ofNothing, etagMd5
                        { verify with HasContentMd5 = true }, [ emptyTag; requestId ], ofNothing, contentMd5
                        // Cloudflare R2.
                        verify, [ emptyTag; "cf-ray", "8f2" ], ofNothing, unverified
                        verify,
                        [ emptyTag; "cf-ray", "8f2"; "x-amz-checksum-sha256", emptySha256 ],
                        ofNothing,
                        bySha256
                        verify, [ emptyMd5 ], ofNothing, unverified
                        verify, [ emptyMd5; requestId ], ofNothing, contentMd5
                        giving, [ sha256 ], sent, unverified
                        giving, [ sha256; "cf-ray", "8f2" ], sent, unverified
                        giving, [ sha256; requestId ], sent, bySha256
                        verify, [ sha256 ], sent, bySha256
                        giving, [ "ETag", md5 ], sent, etagMd5
                        // It may be about the response's body.
                        verify, [ "Content-MD5", "XrY7u+Ae7tCTyyK7j1rNww==" ], sent, unverified
                        verify,
                        [ "Content-MD5", "XrY7u+Ae7tCTyyK7j1rNww=="; "ETag", "\"x\"" ],
                        sent,
                        contentMd5
                    ] do
                    Expect.equal (Integrity.verdict terms (unmarked headers) sent) expected $"%A{headers}"

                Expect.isEmpty
                    (Integrity.confirmed giving (unmarked [ sha256 ]) sent)
                    "nor is it in the receipt"

                for headers in
                    [
                        [ "ETag", "\"5f3c1a2b-264\""; "x-amz-version-id", "v1" ]
                        [ "X-Trans-Id", "gw-1"; "ETag", "W/\"0-2jmj7l5rSw0yVb/vlWAYkK/YBwk\"" ]
                        [ "X-Trans-Id", "gw-1"; "ETag", "\"5f3c1a2b-264\"" ]
                        [ "opc-request-id", "gw-1"; "ETag", "\"5f3c1a2b-264\"" ]
                        [ requestId; "ETag", "W/\"5f3c1a2b-264\"" ]
                        [ requestId; "ETag", "\"0-2jmj7l5rSw0yVb/vlWAYkK/YBwk\"" ]
                    ] do
                    Expect.equal
                        (Integrity.verdict { verify with HasContentMd5 = true } (unmarked headers) sent)
                        unverified
                        $"nor does an accepted Content-MD5: %A{headers}")

        testCase "an ETag of a directory bucket confirms, but cannot contradict" (fun () ->
            let terms = { verify with HasOpaqueTags = true }
            Expect.equal (verdict terms sent [ "ETag", otherMd5 ]) unverified "another"
            Expect.equal (verdict terms sent [ "ETag", md5 ]) etagMd5 "ours")

        table
            "require: something must be confirmed"
            (tags @ checksums)
            (fun (headers, _) -> verdict (IntegrityTerms.ofMode IntegrityMode.Require) sent headers)
            (fun (_, expected) -> if expected = unverified then IntegrityVerdict.Missing else expected)

        table
            "off: nothing is compared"
            (tags @ checksums)
            (fun (headers, _) -> verdict (IntegrityTerms.ofMode IntegrityMode.Off) sent headers)
            (fun _ -> unverified)

        table
            "an accepted Content-MD5 confirms, if a mark of an object comes with it"
            [
                [ "ETag", "\"0x8D4BCC2E4835CD0\"" ], contentMd5
                [ "x-amz-version-id", "v1" ], contentMd5
                [ "ETag", $"\"{md5}\"" ], contentMd5
                [ "x-amz-checksum-sha256", sha256 ], bySha256
                [ "x-amz-checksum-crc64nvme", "jSnVw/bqjr4=" ], contentMd5
                [ "ETag", otherMd5 ], wrongTag
                [], unverified
                [ "cf-ray", "8f2" ], unverified
                // Another digest.
                [ "ETag", $"\"{otherMd5}-3\"" ], unverified
                [ "ETag", String('0', 64) ], unverified
                [ "ETag", (our DigestAlgorithm.Sha256).Hex ], contentMd5
                [ "ETag", otherMd5; "x-amz-server-side-encryption", "aws:kms" ], contentMd5
            ]
            (fun (headers, _) -> verdict { verify with HasContentMd5 = true } sent headers)
            snd

        table
            "a digest that was not taken must be taken, an MD5 only if nothing else confirms"
            [
                [ "ETag", md5 ], IntegrityVerdict.NotTaken [ DigestAlgorithm.Md5 ]
                [ "ETag", md5; "x-amz-checksum-crc64nvme", "jSnVw/bqjr4=" ], byNvme
                [
                    "Content-MD5", "XrY7u+Ae7tCTyyK7j1rNww=="
                    "x-amz-checksum-crc64nvme", "jSnVw/bqjr4="
                ],
                byNvme
                [ "ETag", md5; "x-amz-checksum-crc64nvme", "AAAAAAAAAAA=" ],
                mismatch "x-amz-checksum-crc64nvme"
                [ "x-amz-checksum-sha1", otherSha256.Substring(0, 27) + "=" ],
                IntegrityVerdict.NotTaken [ DigestAlgorithm.Sha1 ]
                [ "x-amz-checksum-crc64nvme", "jSnVw/bqjr4="; "x-goog-hash", "crc32c=AAAAAA==" ],
                IntegrityVerdict.NotTaken [ DigestAlgorithm.Crc32C ]
                [ "x-amz-checksum-sha256", sha256; "x-oss-hash-crc64ecma", "1" ],
                IntegrityVerdict.NotTaken [ DigestAlgorithm.Crc64Xz ]
                [ "ETag", otherMd5; "x-amz-server-side-encryption", "aws:kms" ], unverified
            ]
            (fun (headers, _) -> verdict verify (sentWith [ our DigestAlgorithm.Crc64Nvme ]) headers)
            snd

        propertyTimes
            500
            "confirmed only if equal, and a difference is never confirmed"
            (Gen.listOf reported)
            (fun reported ->
                match verdict verify sent (List.map fst reported) with
                | IntegrityVerdict.Mismatch _ ->
                    Expect.exists reported (snd >> not) "the store reports other bytes"
                | IntegrityVerdict.Confirmed Confirmation.Unverified ->
                    Expect.isEmpty reported "reports nothing"
                | IntegrityVerdict.Confirmed _ -> Expect.all reported snd "all are ours"
                | verdict -> failtestf "all digests were taken, but %A" verdict)

        propertyTimes
            500
            "an MD5 that was not taken never makes the verdict weaker than a CRC-64/NVME's"
            (Gen.listOf reported)
            (fun reported ->
                let headers = ("x-amz-checksum-crc64nvme", "jSnVw/bqjr4=") :: List.map fst reported

                let isMd5 =
                    function
                    | IntegrityVerdict.Confirmed(Confirmation.ContentMd5 | Confirmation.ETagMd5) -> true
                    | _ -> false

                match verdict verify sent headers, verdict verify withoutMd5 headers with
                | all, some when all = some -> ()
                | all, some when isMd5 all -> Expect.equal some byNvme "in place of the MD5"
                | IntegrityVerdict.Mismatch "content-md5", some ->
                    // The MD5 is not compared, since the CRC-64/NVME confirms: another difference still counts.
                    Expect.notEqual some unverified "confirmed by a digest, or another mismatch"
                | all, some -> failtestf "with all digests %A, without the MD5 %A" all some)

        propertyTimes
            500
            "the verdict is total, and junk decides nothing"
            (let isDigest (text: string) =
                text.Split(',')
                |> Array.exists (fun part ->
                    let part = part.Trim().TrimStart('W', '/').Trim('"')

                    [ DigestAlgorithm.Md5; DigestAlgorithm.Sha256 ]
                    |> List.exists (fun algorithm -> (Digest.tryParse algorithm part).IsSome))

             let junk = junk |> Gen.where (isDigest >> not)
             Gen.zip3 (Gen.optionOf junk) (Gen.optionOf junk) (Gen.optionOf anyText))
            (fun (etag, checksum, encryption) ->
                let reply = {
                    reply [] with
                        ETag = etag
                        Checksums =
                            checksum
                            |> Option.map (fun value -> {
                                Header = "x-amz-checksum-sha256"
                                Value = value
                            })
                            |> Option.toList
                        ServerSideEncryption = encryption
                }

                match Integrity.verdict verify reply sent with
                | IntegrityVerdict.Confirmed Confirmation.Unverified -> ()
                | verdict -> failtestf "junk decides nothing, was %A" verdict)

        testCase "the checksums of the receipt are those that the store reported and that are ours" (fun () ->
            let headers = [
                "x-goog-hash", "md5=XrY7u+Ae7tCTyyK7j1rNww==,crc32c=yZRlqg=="
                "x-amz-checksum-crc64nvme", "jSnVw/bqjr4="
                "ETag", md5
            ]

            Expect.equal
                (Integrity.confirmed verify (reply headers) sent
                 |> List.map (fun digest -> digest.Algorithm.Name, digest.Base64))
                [
                    "md5", "XrY7u+Ae7tCTyyK7j1rNww=="
                    "crc64nvme", "jSnVw/bqjr4="
                    "crc32c", "yZRlqg=="
                ]
                "in the order of the algorithms"

            Expect.isEmpty
                (Integrity.confirmed (IntegrityTerms.ofMode IntegrityMode.Off) (reply headers) sent)
                "off")

        table
            "the words of the receipt, the strongest first"
            (List.zip Confirmation.all [
                "checksum-sha256"
                "content-md5"
                "etag-md5"
                "checksum-crc64nvme"
                "checksum-crc64xz"
                "checksum-crc32c"
                "checksum-crc32"
                "checksum-sha1"
                "unverified"
            ])
            (fun (confirmation, _) -> confirmation.Name, string confirmation)
            (fun (_, name) -> name, name)
    ]
