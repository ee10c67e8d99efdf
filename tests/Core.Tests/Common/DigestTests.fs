module CellOS.Export.S3.Core.Tests.DigestTests

open System
open Expecto
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators

let private hexOf (algorithm: DigestAlgorithm) (text: string) =
    Digest.tryParse algorithm text |> Option.map _.Hex

/// Texts that state a digest of `hello world`, or none.
let private texts = [
    DigestAlgorithm.Crc32, "DUoRhQ==", Some "0d4a1185"
    DigestAlgorithm.Crc32, " DUoRhQ== ", Some "0d4a1185"
    DigestAlgorithm.Crc32, "DUoRhQ", Some "0d4a1185"
    DigestAlgorithm.Crc32, "0D4A1185", Some "0d4a1185"
    DigestAlgorithm.Crc32, "DUoRhQ=", None
    DigestAlgorithm.Crc32, "DUoRhQ===", None
    DigestAlgorithm.Crc32, "DUoRhQAA", None
    DigestAlgorithm.Crc32, "", None
    DigestAlgorithm.Crc32, "DUoR", None
    DigestAlgorithm.Crc32C, "yZRlqg==", Some "c99465aa"
    DigestAlgorithm.Crc64Nvme, "jSnVw/bqjr4=", Some "8d29d5c3f6ea8ebe"
    DigestAlgorithm.Crc64Nvme, "jSnVw_bqjr4", Some "8d29d5c3f6ea8ebe"
    DigestAlgorithm.Crc64Nvme, "8d29d5c3f6ea8ebe", Some "8d29d5c3f6ea8ebe"
    DigestAlgorithm.Crc64Nvme, "8d29d5c3f6ea8eb", None
    DigestAlgorithm.Md5, "XrY7u+Ae7tCTyyK7j1rNww==", Some "5eb63bbbe01eeed093cb22bb8f5acdc3"
    DigestAlgorithm.Sha1, "Kq5sNclPz7QV2+lfQIuc6R7oRu0=", Some "2aae6c35c94fcfb415dbe95f408b9ce91ee846ed"
    DigestAlgorithm.Sha256, "junk", None
    DigestAlgorithm.Sha256, Convert.ToBase64String(Array.zeroCreate 31), None
    DigestAlgorithm.Sha256, Convert.ToBase64String(Array.zeroCreate 33), None
    DigestAlgorithm.Sha256, Convert.ToBase64String(Array.zeroCreate 64), None
]

let private decimals = [
    "11051210869376104954", Some "995dc9bbdf1939fa"
    " 18020588380933092773 ", Some "fa15fda7c10c75a5"
    "0", Some "0000000000000000"
    "18446744073709551615", Some "ffffffffffffffff"
    "18446744073709551616", None
    "-1", None
    "+1", None
    "1.0", None
    "1\000", None
    "", None
]

let private digests = Gen.elements (Outcomes.digests @ Outcomes.otherDigests)

[<Tests>]
let tests =
    testList "Digest" [
        table
            "Base64 of the algorithm's length is parsed, padded or not, and so are hexadecimal digits"
            texts
            (fun (algorithm, text, _) -> hexOf algorithm text)
            (fun (_, _, expected) -> expected)

        table
            "a CRC-64 in decimal digits is parsed"
            decimals
            (fun (text, _) -> Digest.tryParseDecimal DigestAlgorithm.Crc64Xz text |> Option.map _.Hex)
            snd

        property "every spelling of a digest gives it back" digests (fun digest ->
            for text in
                [
                    digest.Base64
                    digest.Base64.TrimEnd '='
                    digest.Base64.Replace('+', '-').Replace('/', '_')
                    digest.Hex
                    digest.Hex.ToUpperInvariant()
                ] do
                Expect.equal (Digest.tryParse digest.Algorithm text) (Some digest) text)

        property
            "parsing is total"
            (Gen.zip (Gen.elements DigestAlgorithm.all) anyText)
            (fun (algorithm, text) ->
                match Digest.tryParse algorithm text with
                | Some digest -> Expect.equal digest.Hex.Length (2 * algorithm.Size) "the algorithm's length"
                | None -> ())

        property
            "digests are equal if algorithm and octets are"
            (Gen.zip digests digests)
            (fun (one, other) ->
                let same = one.Algorithm = other.Algorithm && one.Hex = other.Hex
                Expect.equal (one = other) same "equality"

                if same then
                    Expect.equal (hash one) (hash other) "hash")

        testCase "the digest of no bytes is recognised" (fun () ->
            for text in [ "AAAAAA=="; "AAAAAA"; "00000000" ] do
                Expect.equal
                    (Digest.tryParse DigestAlgorithm.Crc32 text |> Option.map Digest.isOfNothing)
                    (Some true)
                    text

            Expect.isFalse (Outcomes.digests |> List.exists Digest.isOfNothing) "of some bytes")
    ]
