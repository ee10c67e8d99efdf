module CellOS.Export.S3.Core.Tests.IntegrityTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators

/// The digests of `abc`.
let private md5 = "900150983cd24fb0d6963f7d28e17f72"

let private sha256 =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

let private checksum = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
let private otherMd5 = String('0', 32)
let private otherChecksum = Convert.ToBase64String(Array.zeroCreate 32)

let private sent = {
    Bytes = 3L
    Sha256 = sha256
    Md5 = Some md5
}

let private reply etag checksum = {
    Reply.Of 200 with
        RequestId = Some "R1"
        ETag = etag
        Checksums =
            checksum
            |> Option.map (fun value -> {
                Header = "x-amz-checksum-sha256"
                Value = value
            })
            |> Option.toList
}

let private kms = {
    reply (Some otherMd5) None with
        ServerSideEncryption = Some "aws:kms"
}

let private confirmed confirmation = IntegrityVerdict.Confirmed confirmation
let private etagMd5 = confirmed Confirmation.ETagMd5
let private contentMd5 = confirmed Confirmation.ContentMd5
let private unverified = confirmed Confirmation.Unverified
let private bySha256 = confirmed Confirmation.ChecksumSha256
let private wrongTag = IntegrityVerdict.Mismatch "ETag"
let private wrongChecksum = IntegrityVerdict.Mismatch "x-amz-checksum-sha256"

/// Reply; verdict of Verify; the same with a Content-MD5 that was accepted.
let private rows = [
    reply None None, unverified, contentMd5
    reply (Some $"\"{md5}\"") None, etagMd5, contentMd5
    reply (Some md5) None, etagMd5, contentMd5
    reply (Some $"W/\"{md5}\"") None, etagMd5, contentMd5
    reply (Some $" \"{md5.ToUpperInvariant()}\" ") None, etagMd5, contentMd5
    reply (Some $"\"{otherMd5}\"") None, wrongTag, wrongTag
    reply (Some $"W/\"{otherMd5}\"") None, wrongTag, wrongTag
    reply (Some $"\"{md5}-2\"") None, unverified, contentMd5
    reply (Some $"\"{md5.Substring 1}\"") None, unverified, contentMd5
    reply (Some "\"\"") None, unverified, contentMd5
    reply (Some(String('g', 32))) None, unverified, contentMd5
    kms, unverified, contentMd5
    {
        kms with
            ServerSideEncryption = Some "aws:kms:dsse"
    },
    unverified,
    contentMd5
    {
        kms with
            ServerSideEncryption = Some "AWS:KMS"
    },
    unverified,
    contentMd5
    {
        kms with
            ServerSideEncryption = Some "AES256"
    },
    wrongTag,
    wrongTag
    {
        kms with
            ServerSideEncryption = None
            CustomerAlgorithm = Some "AES256"
    },
    unverified,
    contentMd5
    { kms with ETag = Some md5 }, etagMd5, contentMd5
    reply None (Some checksum), bySha256, bySha256
    reply (Some md5) (Some checksum), bySha256, bySha256
    reply None (Some $" {checksum} "), bySha256, bySha256
    reply None (Some otherChecksum), wrongChecksum, wrongChecksum
    reply (Some md5) (Some otherChecksum), wrongChecksum, wrongChecksum
    reply (Some otherMd5) (Some checksum), wrongTag, wrongTag
    {
        kms with
            Checksums = (reply None (Some otherChecksum)).Checksums
    },
    wrongChecksum,
    wrongChecksum
    {
        kms with
            Checksums = (reply None (Some checksum)).Checksums
    },
    bySha256,
    bySha256
    reply None (Some "junk"), unverified, contentMd5
    reply None (Some ""), unverified, contentMd5
    reply None (Some(checksum + "-2")), unverified, contentMd5
    reply None (Some(Convert.ToBase64String(Array.zeroCreate 31))), unverified, contentMd5
    reply None (Some(Convert.ToBase64String(Array.zeroCreate 33))), unverified, contentMd5
    reply None (Some(Convert.ToBase64String(Array.zeroCreate 64))), unverified, contentMd5
]

let private required verdict =
    if verdict = unverified then IntegrityVerdict.Missing else verdict

[<Tests>]
let tests =
    testList "Integrity" [
        table
            "verify: what a server reports must not contradict"
            rows
            (fun (reply, _, _) -> Integrity.verdict IntegrityMode.Verify false reply sent)
            (fun (_, expected, _) -> expected)

        table
            "verify, after a Content-MD5 was accepted"
            rows
            (fun (reply, _, _) -> Integrity.verdict IntegrityMode.Verify true reply sent)
            (fun (_, _, expected) -> expected)

        table
            "require: something must be confirmed"
            rows
            (fun (reply, _, _) ->
                Integrity.verdict IntegrityMode.Require false reply sent,
                Integrity.verdict IntegrityMode.Require true reply sent)
            (fun (_, plain, withMd5) -> required plain, required withMd5)

        table
            "off: nothing is compared"
            rows
            (fun (reply, _, _) ->
                Integrity.verdict IntegrityMode.Off false reply { sent with Md5 = None },
                Integrity.verdict IntegrityMode.Off true reply sent)
            (fun _ -> unverified, contentMd5)

        testCase "an ETag says nothing where no MD5 was taken" (fun () ->
            Expect.equal
                (Integrity.verdict IntegrityMode.Verify false (reply (Some otherMd5) None) {
                    sent with
                        Md5 = None
                })
                unverified
                "nothing to compare with")

        propertyTimes
            500
            "the verdict is total, and a contradiction needs a digest"
            (Gen.zip3 (Gen.optionOf anyText) (Gen.optionOf anyText) (Gen.optionOf anyText))
            (fun (etag, checksum, encryption) ->
                let reply = {
                    reply etag checksum with
                        ServerSideEncryption = encryption
                }

                match Integrity.verdict IntegrityMode.Verify false reply sent with
                | IntegrityVerdict.Confirmed Confirmation.Unverified -> ()
                | verdict -> failtestf "junk decides nothing, was %A" verdict)

        table
            "the words of the receipt"
            [
                Confirmation.ContentMd5, "content-md5"
                Confirmation.ETagMd5, "etag-md5"
                Confirmation.ChecksumSha256, "checksum-sha256"
                Confirmation.Unverified, "unverified"
            ]
            (fun (confirmation, _) -> confirmation.Name, string confirmation)
            (fun (_, name) -> name, name)
    ]
