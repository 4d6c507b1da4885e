// Modules are called by their names. The numbers that the bundler would give them depend on the folder of the build, and
// the wheel that is committed must be the one that is built in any folder (compare_wheels.py).
module.exports = { optimization: { moduleIds: 'named' } };
