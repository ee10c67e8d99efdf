/// A scene with a key and a file of seals.
module Cli.Tests.SealScene

open System
open System.IO
open System.Security.Cryptography
open CellOS.Export.S3.Core
open Expecto
open Cli.Tests.Scene
open Cli.Tests.Support

let keyVariable = "CELLOS_EXPORT_SEAL_KEY"
let passwordVariable = "CELLOS_EXPORT_SEAL_PASSWORD_FILE"
let password = "correct horse battery"

let private pbe =
    PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)

/// Files that only their owner may read.
let private own (path: string) =
    if not (OperatingSystem.IsWindows()) then
        File.SetUnixFileMode(path, UnixFileMode.UserRead ||| UnixFileMode.UserWrite)

    path

type SealScene(scene: Scene) =
    let key = ECDsa.Create ECCurve.NamedCurves.nistP256
    let keyPath = own (scene.Folder.Write("key.pem", key.ExportPkcs8PrivateKeyPem()))

    let encrypted =
        own (scene.Folder.Write("encrypted.pem", key.ExportEncryptedPkcs8PrivateKeyPem(password, pbe)))

    let passwordPath = own (scene.Folder.Write("password", password + "\n"))
    member _.Key = key
    member _.KeyPath = keyPath
    member _.Encrypted = encrypted
    member _.PasswordPath = passwordPath
    member _.Seals = scene.Folder.At "seals.jsonl"

    /// Writes evidence, and returns its folder.
    member _.Bundle(names: string list) =
        for name in names do
            scene.Folder.Write($"out/{name}", $"evidence {name}\n") |> ignore

        scene.Folder.At "out"

    member _.Arguments(more: string list) =
        [ "push"; "--spec"; scene.Spec; "--cell-id"; "cell-7"; "--json" ] @ more

    /// The options that seal.
    member this.Sealing = [ "--seal"; this.KeyPath; "--seals"; this.Seals ]

    /// The lines of the file of seals.
    member this.Lines =
        SealChecks.check
            (SealChecks.keysOf [ key ])
            (if File.Exists this.Seals then
                 Text.Encoding.UTF8.GetBytes(textOf this.Seals)
             else
                 [||])
        |> fst

    /// The statements of the file, whose lines are all valid.
    member this.Statements =
        this.Lines
        |> List.map (fun line ->
            Expect.equal line.Status SealStatus.Valid $"line {line.Number}"
            Option.get line.Statement)
