module CellOS.Export.S3.Core.Tests.SealSignatureTests

open System
open System.Globalization
open System.Numerics
open System.Security.Cryptography
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config

let private order =
    BigInteger.Parse(
        "0FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551",
        NumberStyles.AllowHexSpecifier
    )

let private octets (value: BigInteger) =
    let bytes = value.ToByteArray(isUnsigned = true, isBigEndian = true)
    Array.append (Array.zeroCreate (32 - bytes.Length)) bytes

let private fixedOf (r: BigInteger) (s: BigInteger) = Array.append (octets r) (octets s)

/// Numbers that signatures have, and those at the borders.
let private scalars =
    Gen.frequency [
        3,
        Gen.arrayOfLength 32 (Gen.choose (0, 255) |> Gen.map byte)
        |> Gen.map (fun bytes ->
            BigInteger.One
            + BigInteger(ReadOnlySpan bytes, isUnsigned = true) % (order - BigInteger.One))
        1,
        Gen.elements [
            BigInteger.One
            BigInteger 127
            BigInteger 128
            BigInteger 255
            order / BigInteger 2
            order / BigInteger 2 + BigInteger.One
            order - BigInteger.One
        ]
    ]

let private write r s =
    SealSignature.ofFixed (ReadOnlyMemory(fixedOf r s))

let private isCanonical (bytes: byte[]) =
    SealSignature.isCanonical (ReadOnlyMemory bytes)

/// The DER of any integers, written by .NET.
let private der (r: BigInteger) (s: BigInteger) =
    let writer = Formats.Asn1.AsnWriter Formats.Asn1.AsnEncodingRules.DER
    writer.PushSequence() |> ignore
    writer.WriteInteger r
    writer.WriteInteger s
    writer.PopSequence()
    writer.Encode()

[<Tests>]
let tests =
    testList "SealSignature" [
        propertyTimes 2000 "has the lower of the two forms, in DER" (Gen.zip scalars scalars) (fun (r, s) ->
            let low = min s (order - s)
            Expect.equal (write r s) (Some(der r low)) "as .NET writes it"
            Expect.equal (write r (order - s)) (Some(der r low)) "of both"
            Expect.isTrue (isCanonical (der r low)) "the one form"
            Expect.equal (isCanonical (der r s)) (s = low) "the higher one is another form")

        propertyTimes
            2000
            "is in no other form"
            (gen {
                let! r, s = Gen.zip scalars scalars
                let bytes = der r (min s (order - s))
                let! at = Gen.choose (0, bytes.Length - 1)
                let! value = Gen.choose (0, 255) |> Gen.map byte
                return bytes, Array.insertAt at value bytes, Array.removeAt at bytes
            })
            (fun (bytes, longer, shorter) ->
                Expect.isTrue (isCanonical bytes) "itself"
                // A number may have one octet more, if all lengths say so: they do not, after one change.
                Expect.isFalse (isCanonical longer) "an octet more"
                Expect.isFalse (isCanonical shorter) "an octet less"
                Expect.isFalse (isCanonical (Array.append bytes [| 0uy |])) "an octet at the end")

        testCase "is not of numbers out of range" (fun () ->
            for value in [ BigInteger.Zero; order; order + BigInteger.One ] do
                Expect.isNone (write value BigInteger.One) "r"
                Expect.isNone (write BigInteger.One value) "s"
                Expect.isFalse (isCanonical (der value BigInteger.One)) "r"
                Expect.isFalse (isCanonical (der BigInteger.One value)) "s"

            Expect.isFalse (isCanonical (der BigInteger.MinusOne BigInteger.One)) "negative"
            Expect.isNone (SealSignature.ofFixed (ReadOnlyMemory [| 1uy |])) "too short"
            Expect.isFalse (isCanonical [||]) "empty")

        propertyTimes
            1000
            "is total"
            (Gen.choose (0, 80)
             |> Gen.bind (fun length -> Gen.arrayOfLength length (Gen.choose (0, 255) |> Gen.map byte)))
            (fun bytes -> Expect.isFalse (isCanonical bytes) "not a signature")

        testCase "verifies in both forms, which is why one of them is chosen" (fun () ->
            use key = ECDsa.Create ECCurve.NamedCurves.nistP256
            let data = [| 1uy; 2uy |]

            let signature =
                key.SignData(
                    data,
                    HashAlgorithmName.SHA256,
                    DSASignatureFormat.IeeeP1363FixedFieldConcatenation
                )

            let r =
                BigInteger(ReadOnlySpan(signature, 0, 32), isUnsigned = true, isBigEndian = true)

            let s =
                BigInteger(ReadOnlySpan(signature, 32, 32), isUnsigned = true, isBigEndian = true)

            for form in [ der r s; der r (order - s); (write r s).Value ] do
                Expect.isTrue
                    (key.VerifyData(
                        data,
                        form,
                        HashAlgorithmName.SHA256,
                        DSASignatureFormat.Rfc3279DerSequence
                    ))
                    "valid")
    ]
