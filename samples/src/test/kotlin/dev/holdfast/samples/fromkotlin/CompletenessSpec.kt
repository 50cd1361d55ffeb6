package dev.holdfast.samples.fromkotlin

import dev.holdfast.tx.TxOptions
import dev.holdfast.tx.engine.Holdfast
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContain
import java.io.DataInputStream
import java.lang.invoke.MethodType
import java.lang.reflect.Method
import java.lang.reflect.Modifier
import java.nio.file.FileSystems
import java.nio.file.Files
import java.nio.file.Path

/** Every public method of what users hold is called by the specs of this package: their class files are read to know. */
class CompletenessSpec :
    StringSpec({
        "every public method of the API is called from Kotlin" {
            val called = callsOf(CompletenessSpec::class.java)
            val types = typesBeside(TxOptions::class.java) + Holdfast::class.java + Holdfast.Builder::class.java
            val missing = types.flatMap { it.methodsToCall() }.filterNot { method -> called.any { it.reaches(method) } }
            missing.map { "${it.declaringClass.name}.${it.name}${it.parameterTypes.toList()}" }.shouldBeEmpty()
        }

        "the check sees a method that nobody calls" {
            val called = callsOf(CompletenessSpec::class.java)
            val uncalled = Thread::class.java.getMethod("getUncaughtExceptionHandler")
            listOf(uncalled).filterNot { method -> called.any { it.reaches(method) } } shouldContain uncalled
        }
    })

/** A call, as a class file has it. */
private data class Call(
    val owner: String,
    val name: String,
    val descriptor: String,
) {
    fun reaches(method: Method): Boolean =
        name == method.name &&
            descriptor == MethodType.methodType(method.returnType, method.parameterTypes).toMethodDescriptorString() &&
            !owner.startsWith("[") &&
            method.declaringClass.isAssignableFrom(Class.forName(owner.replace('/', '.')))
}

/** The public classes in the package of a class. */
private fun typesBeside(type: Class<*>): List<Class<*>> {
    val location =
        Path.of(
            type.protectionDomain.codeSource.location
                .toURI(),
        )
    val folder = type.packageName.replace('.', '/')

    fun names(root: Path): List<String> =
        Files.list(root.resolve(folder)).use { files ->
            files.map { it.fileName.toString() }.filter { it.endsWith(".class") }.toList()
        }
    val names =
        if (Files.isDirectory(location)) {
            names(location)
        } else {
            FileSystems.newFileSystem(location).use {
                names(it.getPath("/"))
            }
        }
    return names
        .filterNot { it == "package-info.class" }
        .map { Class.forName("${type.packageName}.${it.removeSuffix(".class")}") }
        .filter { Modifier.isPublic(it.modifiers) }
}

/** What Kotlin code calls: not what it implements by a lambda, and not what every object has. */
private fun Class<*>.methodsToCall(): List<Method> =
    declaredMethods.filter { method ->
        Modifier.isPublic(method.modifiers) &&
            !method.isSynthetic &&
            !(isAnnotationPresent(FunctionalInterface::class.java) && Modifier.isAbstract(method.modifiers)) &&
            !(isEnum && method.name in setOf("values", "valueOf")) &&
            Any::class.java.declaredMethods.none {
                it.name == method.name && it.parameterCount == method.parameterCount
            } &&
            method.name !in setOf("equals", "hashCode", "toString")
    }

/** All calls in the class files beside a class. */
private fun callsOf(type: Class<*>): Set<Call> {
    val root =
        Path.of(
            type.protectionDomain.codeSource.location
                .toURI(),
        )
    return Files.list(root.resolve(type.packageName.replace('.', '/'))).use { files ->
        files
            .filter { it.toString().endsWith(".class") }
            .toList()
            .flatMap(::callsIn)
            .toSet()
    }
}

/** Reads the constant pool of a class file (The Java Virtual Machine Specification, 4.4). */
private fun callsIn(file: Path): List<Call> =
    DataInputStream(Files.newInputStream(file).buffered()).use { input ->
        input.skipNBytes(8)
        val size = input.readUnsignedShort()
        val texts = arrayOfNulls<String>(size)
        val pairs = arrayOfNulls<Pair<Int, Int>>(size)
        val calls = mutableListOf<Int>()
        var i = 1
        while (i < size) {
            when (val tag = input.readUnsignedByte()) {
                1 -> {
                    texts[i] = input.readUTF()
                }

                3, 4, 17, 18 -> {
                    input.skipNBytes(4)
                }

                5, 6 -> {
                    input.skipNBytes(8).also { i++ }
                }

                7 -> {
                    pairs[i] = input.readUnsignedShort() to 0
                }

                8, 16, 19, 20 -> {
                    input.skipNBytes(2)
                }

                15 -> {
                    input.skipNBytes(3)
                }

                9, 12 -> {
                    pairs[i] = input.readUnsignedShort() to input.readUnsignedShort()
                }

                10, 11 -> {
                    pairs[i] = input.readUnsignedShort() to input.readUnsignedShort()
                    calls += i
                }

                else -> {
                    error("Tag $tag in $file")
                }
            }
            i++
        }

        fun pair(index: Int) = checkNotNull(pairs[index])

        fun text(index: Int) = checkNotNull(texts[index])
        calls.map { call ->
            val (owner, nameAndType) = pair(call)
            val (name, descriptor) = pair(nameAndType)
            Call(text(pair(owner).first), text(name), text(descriptor))
        }
    }
