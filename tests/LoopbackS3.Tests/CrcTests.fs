/// The CRCs of this server against published values and other implementations.
module CrcTests

open System
open System.Numerics
open System.Text
open Expecto
open FsCheck.FSharp
open LoopbackS3
open Client

let private crcs = [
    "CRC-32", Crc.Crc32
    "CRC-32C", Crc.Crc32C
    "CRC-64/NVME", Crc.Crc64Nvme
    "CRC-64/XZ", Crc.Crc64Xz
]

let private over (create: unit -> Crc) (parts: byte[] list) =
    let crc = create ()

    for part in parts do
        crc.Append part

    crc

let private base64 create (content: byte[]) =
    Convert.ToBase64String((over create [ content ]).ToBytes())

/// The values of the "Catalogue of parametrised CRC algorithms" for `123456789`.
let private checks = [ 0xCBF43926UL; 0xE3069283UL; 0xAE8B14860A799888UL; 0x995DC9BBDF1939FAUL ]

/// The first is from a response of Amazon S3.
let private nvme = [
    bytes "data", "7a5hQ478J4A="
    Array.empty, "AAAAAAAAAAA="
    bytes "123456789", "rosUhgp5mIg="
    bytes "hello world", "jSnVw/bqjr4="
    bytes "Hello World\n", "1IsfU3fKW1k="
    Array.zeroCreate 32, "zzRzQ01Ozzs="
    Array.init 32 byte, "udnUqEksvX8="
]

let private xz = [ "", 0UL; "123456789", 11051210869376104954UL; "test", 18020588380933092773UL ]

[<Tests>]
let tests =
    testList "CRCs" [
        for (name, create), check in List.zip crcs checks do
            testCase $"{name} of 123456789 is its published check value" (fun () ->
                Expect.equal (over create [ bytes "123456789" ]).Value check "value")

        testCase "CRC-64/NVME in Base64 is that of the field's vectors" (fun () ->
            for content, expected in nvme do
                Expect.equal (base64 Crc.Crc64Nvme content) expected (hex content))

        testCase "CRC-32 and CRC-32C in Base64 are those of the field's vectors" (fun () ->
            Expect.equal (base64 Crc.Crc32 (bytes "hello world")) "DUoRhQ==" "CRC-32"
            Expect.equal (base64 Crc.Crc32C (bytes "hello world")) "yZRlqg==" "CRC-32C")

        testCase "CRC-64/XZ in decimal is that of the field's vectors" (fun () ->
            for text, expected in xz do
                Expect.equal (over Crc.Crc64Xz [ bytes text ]).Value expected text)

        testCase "the CRCs of 100,003 bytes are those of the AWS SDK for JavaScript and of xz" (fun () ->
            let content = patterned 100_003
            Expect.equal (base64 Crc.Crc32C content) "f9Nq/A==" "@aws-crypto/crc32c"
            Expect.equal (base64 Crc.Crc64Nvme content) "63/CVATMsuM=" "@aws-sdk/crc64-nvme"
            Expect.equal (over Crc.Crc64Xz [ content ]).Value 0x31018E687599EDF0UL "xz --check=crc64")

        for name, create in crcs do
            testPropertyWithConfig
                FsCheckConfig.defaultConfig
                $"where a body is split does not change its {name}"
                (fun (parts: byte[] list) ->
                    (over create parts).Value = (over create [ Array.concat parts ]).Value)

        testPropertyWithConfig
            FsCheckConfig.defaultConfig
            "CRC-32C is that of the processor's own instruction"
            (fun (content: byte[]) ->
                let register =
                    (UInt32.MaxValue, content)
                    ||> Array.fold (fun crc b -> BitOperations.Crc32C(crc, b))

                (over Crc.Crc32C [ content ]).Value = uint64 ~~~register)

        testCase "the server has no CRC of the uploader or of System.IO.Hashing" (fun () ->
            let foreign =
                typeof<Crc>.Assembly.GetReferencedAssemblies()
                |> Seq.map (fun assembly -> string assembly.Name)
                |> Seq.filter (fun name -> name.StartsWith "CellOS" || name = "System.IO.Hashing")

            Expect.isEmpty foreign "references")
    ]
